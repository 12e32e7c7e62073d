// New backup codes on the account page: the same until they are saved, and never offered again.
import { expect } from 'chai';
import { openAccount, sectionOf, statusOf } from '../../support/account-page.ts';
import { backupCodesOn } from '../../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { onOneStore } from '../../support/stores.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../../support/web.ts';

onOneStore('new backup codes on the account page', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    ({ web } = await openAccount(gatehouse, person));
  });
  after(() => gatehouse.stop());

  const open = (browser = web) => browser.get(`${gatehouse.url}/account/backup-codes`);
  const save = (page: Page, browser = web) =>
    browser.submit(page, '/account/backup-codes', { saved: 'yes' });
  const works = async (code = ''): Promise<boolean> => {
    const other = createWeb(gatehouse.url);
    const challenge = await afterPassword(other, party, person);
    const backup = await other.get(`${challenge.url.href.split('/prove')[0]}?method=backup-codes`);
    const last = await other.submit(backup, '/prove/backup-codes', { code });
    return last.url.searchParams.has('code');
  };

  it('are shown until they are saved, and count only then', async () => {
    const page = await open();
    expect(titleOf(page)).to.equal('Save your backup codes');
    const codes = backupCodesOn(page);
    expect(codes).to.have.length(10);
    expect(backupCodesOn(await open())).to.deep.equal(codes);
    expect(await works(codes[0]), 'before they are saved').to.equal(false);
    expect(await works(person.backupCodes[0])).to.equal(true);
    const done = await save(page);
    expect(titleOf(done)).to.equal('Account');
    expect(statusOf(done)).to.equal('New backup codes saved. Your old codes no longer work.');
    expect(sectionOf(done, 'Backup codes')).to.include('10 of 10 left.');
    expect(await works(person.backupCodes[1]), 'an old one').to.equal(false);
    expect(await works(codes[0])).to.equal(true);
    expect(await works(codes[0]), 'a second time').to.equal(false);
  });

  it('want the box to be ticked, and are the same afterwards', async () => {
    const page = await open();
    for (const saved of ['', 'no', 'on']) {
      const answer = await web.submit(page, '/account/backup-codes', { saved });
      expect(answer.status).to.equal(422);
      expect(answer.text).to.include('Save the codes, then check this box.');
      expect(backupCodesOn(answer)).to.deep.equal(backupCodesOn(page));
    }
    expect(await works(person.backupCodes[0])).to.equal(true);
  });

  it('can be kept as a text file', async () => {
    const page = await open();
    const file = await web.get(`${gatehouse.url}/account/backup-codes.txt`);
    expect(file.headers.get('content-type')).to.equal('text/plain; charset=utf-8');
    expect(file.headers.get('content-disposition')).to.match(/^attachment/);
    expect(file.headers.get('cache-control')).to.equal('no-store');
    expect(backupCodesOn(file)).to.deep.equal(backupCodesOn(page));
  });

  it('once saved are never offered again, in this session or another', async () => {
    const first = backupCodesOn(await open());
    await save(await open());
    const second = backupCodesOn(await open());
    expect(second.filter((code) => first.includes(code))).to.deep.equal([]);
    const { web: other } = await openAccount(gatehouse, person);
    const theirs = backupCodesOn(await open(other));
    expect(theirs.filter((code) => [...first, ...second].includes(code))).to.deep.equal([]);
    const file = await web.get(`${gatehouse.url}/account/backup-codes.txt`);
    expect(backupCodesOn(file)).to.deep.equal(second);
  });

  it('a form that is sent again makes no codes that nobody has seen', async () => {
    const page = await open();
    const codes = backupCodesOn(page);
    await save(page);
    expect(await works(codes[0])).to.equal(true);
    const again = await save(page);
    expect(titleOf(again)).to.equal('Account');
    expect(statusOf(again)).to.match(/^Your backup codes were just replaced\./);
    expect(sectionOf(again, 'Backup codes')).to.include('9 of 10 left.');
    expect(await works(codes[1])).to.equal(true);
    expect(await works(codes[0]), 'spent before').to.equal(false);
  });

  it('that were shown before others were saved are none, and their person is told', async () => {
    const { web: other } = await openAccount(gatehouse, person);
    const [mine, theirs] = [await open(), await open(other)];
    await save(mine);
    const late = await save(theirs, other);
    expect(statusOf(late)).to.match(/^Your backup codes were just replaced\./);
    expect(await works(backupCodesOn(theirs)[0])).to.equal(false);
    expect(await works(backupCodesOn(mine)[0])).to.equal(true);
    const fresh = await open(other);
    await save(fresh, other);
    expect(await works(backupCodesOn(mine)[1])).to.equal(false);
    expect(await works(backupCodesOn(fresh)[0])).to.equal(true);
  });

  it('without word of which were shown, none are made', async () => {
    const page = await open();
    const { fields } = findForm(page, '/account/backup-codes');
    for (const offerContext of ['', '1', '-1', 'x', '0.0', ' 0']) {
      const typed = { ...fields, saved: 'yes', offerContext };
      await web.post(`${gatehouse.url}/account/backup-codes`, typed);
    }
    expect(await works(person.backupCodes[0])).to.equal(true);
    expect(backupCodesOn(await open())).to.deep.equal(backupCodesOn(page));
  });

  it('leave other sessions and trusted devices as they are', async () => {
    const { web: other } = await openAccount(gatehouse, person);
    await save(await open());
    expect(titleOf(await other.get(`${gatehouse.url}/account`))).to.equal('Account');
  });
});
