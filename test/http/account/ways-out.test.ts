// The ways out: one device, one session, all of them; at once, everywhere, and without more questions.
import { expect } from 'chai';
import {
  expectDead,
  expectSignedIn,
  openAccount,
  openOnTrustedDevice,
  pathOn,
  pathsOn,
  sectionOf,
  signInElsewhere,
  statusOf,
} from '../../support/account-page.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty, type Tokens } from '../../support/relying-party.ts';
import { onOneStore } from '../../support/stores.ts';
import { createWeb, type Page, titleOf, type Web } from '../../support/web.ts';

const CHALLENGE = 'Two-factor authentication';
const BACKCHANNEL = { backchannel_logout_uri: 'http://127.0.0.1:9/logout' };

onOneStore('the ways out', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    const metadata = { first_party: true, ...BACKCHANNEL };
    party = await createRelyingParty(gatehouse, { metadata });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    // The browser in which the person has enrolled is none of these tests.
    await endAll();
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const endAll = async () => {
    const { store: database } = gatehouse.core;
    const own = database.sql('sessions').where({ account_id: person.id });
    await database.write(database.compile(own.update({ ended_at: 1 })));
  };
  const account = (browser = web) => browser.get(`${gatehouse.url}/account`);
  const letters = async () => {
    const { store: database } = gatehouse.core;
    const all = await database.all(database.compile(database.sql('outbox')));
    return all.filter(({ payload }) => String(payload).includes(person.id)).length;
  };
  const suffix = (path: string) => path.slice(path.lastIndexOf('/', path.lastIndexOf('/') - 1));
  const isAsked = async (browser: Web) => {
    const page = await afterPassword(browser, party, person, { prompt: 'login' });
    return titleOf(page) === CHALLENGE;
  };

  describe('a trusted device', () => {
    it('is listed with its time, and marked where it is this one', async () => {
      web = await openOnTrustedDevice(gatehouse, party, person);
      const text = sectionOf(await account(), 'Trusted devices');
      expect(text).to.match(/One device signs in without a code\./);
      expect(text).to.match(/This device Trusted since .* until .*Forget this device/);
      const { page } = await openAccount(gatehouse, person);
      expect(sectionOf(page, 'Trusted devices')).not.to.include('This device');
    });

    it('is forgotten at once, with its cookie, and the others are not', async () => {
      web = await openOnTrustedDevice(gatehouse, party, person);
      const other = await openOnTrustedDevice(gatehouse, party, person);
      // The newest one comes first.
      const page = await account();
      const [, mine = ''] = pathsOn(page, /forget$/);
      const done = await web.submit(page, suffix(mine));
      expect(sectionOf(done, 'Trusted devices')).to.include('One device');
      expect(web.cookies().filter(({ name }) => name.includes('device'))).to.deep.equal([]);
      expect(await isAsked(web)).to.equal(true);
      expect(await isAsked(other)).to.equal(false);
    });

    it('is forgotten from another browser, too, and a second click is none', async () => {
      const trusted = await openOnTrustedDevice(gatehouse, party, person);
      const { web: here, page } = await openAccount(gatehouse, person);
      const path = pathOn(page, /forget$/);
      await here.submit(page, suffix(path));
      const again = await here.submit(page, suffix(path));
      expect(titleOf(again)).to.equal('Account');
      expect(await isAsked(trusted)).to.equal(true);
    });

    it('all are forgotten after a question, and nobody is signed out', async () => {
      web = await openOnTrustedDevice(gatehouse, party, person);
      const other = await openOnTrustedDevice(gatehouse, party, person);
      const asked = await web.submit(await account(), '/devices/forget-all');
      expect(titleOf(asked)).to.equal('Forget all devices');
      expect(sectionOf(await account(), 'Trusted devices')).to.include('Two devices');
      const done = await web.submit(asked, '/devices/forget-all');
      expect(statusOf(done)).to.equal('All devices forgotten.');
      expect(sectionOf(done, 'Trusted devices')).to.include('No trusted devices');
      await expectSignedIn(gatehouse, other, party);
      expect(await isAsked(web)).to.equal(true);
      expect(await isAsked(other)).to.equal(true);
    });
  });

  describe('a session', () => {
    it('elsewhere ends with its tokens and a letter, and this one goes on', async () => {
      const elsewhere = await signInElsewhere(gatehouse, party, person);
      const { page } = await openAccount(gatehouse, person, web);
      const before = await letters();
      const done = await web.submit(page, suffix(pathOn(page, /sessions\/.*end$/)));
      expect(sectionOf(done, 'Sessions')).to.include("You're only signed in here.");
      await expectDead(gatehouse, elsewhere);
      await expectSignedIn(gatehouse, web, party);
      expect((await letters()) - before).to.equal(1);
      // Sent again, it ends nothing and writes to nobody.
      const again = await web.submit(page, suffix(pathOn(page, /sessions\/.*end$/)));
      expect(titleOf(again)).to.equal('Account');
      expect((await letters()) - before).to.equal(1);
    });

    it('elsewhere ends though nothing was proved of late', async () => {
      const elsewhere = await signInElsewhere(gatehouse, party, person);
      await openAccount(gatehouse, person, web);
      await gatehouse.advance('5h');
      const page = await account();
      await web.submit(page, suffix(pathOn(page, /sessions\/.*end$/)));
      expect(titleOf(await account(elsewhere.web))).to.equal('Sign in');
    });

    it('that is idle is listed: its tokens still work', async () => {
      const elsewhere = await signInElsewhere(gatehouse, party, person);
      await gatehouse.advance('25h');
      const { page } = await openAccount(gatehouse, person, web);
      expect(sectionOf(page, 'Sessions')).to.include('Two sessions');
      const refreshed = await party.refresh(elsewhere.tokens.refresh_token ?? '');
      expect(refreshed.status).to.equal(200);
      await web.submit(page, suffix(pathOn(page, /sessions\/.*end$/)));
      const { refresh_token: next = '' } = refreshed.body as unknown as Tokens;
      expect((await party.refresh(next)).body.error).to.equal('invalid_grant');
    });

    it('of this browser ends with Sign out, from the list as well', async () => {
      const { page } = await openAccount(gatehouse, person, web);
      const uid = /sessions\/([^/"]+)\/end/.exec((await openAccount(gatehouse, person)).page.text);
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const gone = await web.post(`${gatehouse.url}/account/sessions/${uid?.[1]}/end`, { csrf });
      expect(titleOf(gone)).to.equal('Signed out');
      expect(titleOf(await account())).to.equal('Sign in');
    });

    it('Sign out needs no more than the session, however old', async () => {
      const { page } = await openAccount(gatehouse, person, web);
      await gatehouse.advance('30h');
      expect(titleOf(await web.submit(page, '/account/sign-out'))).to.equal('Signed out');
      const { store: database } = gatehouse.core;
      const open = database.sql('sessions').where({ account_id: person.id }).whereNull('ended_at');
      expect(await database.all(database.compile(open))).to.deep.equal([]);
    });
  });

  describe('Sign out everywhere', () => {
    const everywhere = async (browser: Web): Promise<Page> => {
      const asked = await browser.submit(await account(browser), '/account/sign-out-everywhere');
      expect(titleOf(asked)).to.equal('Sign out everywhere');
      return browser.submit(asked, '/account/sign-out-everywhere');
    };

    it('ends every session and token, this one too, those for offline use, with a letter each', async () => {
      const elsewhere = await signInElsewhere(gatehouse, party, person);
      const scope = 'openid email offline_access';
      const offline = await signInElsewhere(gatehouse, party, person, { scope });
      await openAccount(gatehouse, person, web);
      const here = await signInElsewhere(gatehouse, party, person, { web });
      const before = await letters();
      expect(titleOf(await everywhere(web))).to.equal('Signed out');
      for (const each of [elsewhere, offline, here]) await expectDead(gatehouse, each);
      expect((await letters()) - before).to.equal(3);
    });

    it('ends trusted devices and known browsers', async () => {
      web = await openOnTrustedDevice(gatehouse, party, person);
      const other = await openOnTrustedDevice(gatehouse, party, person);
      const cookie = web.cookies().find(({ name }) => name === 'gatehouse_browser')?.value;
      const { knownBrowsers } = gatehouse.core;
      const isKnown = async () =>
        (await knownBrowsers.find({ accountId: person.id }, { browser: cookie }))?.id;
      expect(await isKnown()).to.be.a('string');
      await everywhere(web);
      expect(await isKnown()).to.equal(undefined);
      expect(web.cookies().filter(({ name }) => name.includes('device'))).to.deep.equal([]);
      expect(await isAsked(web)).to.equal(true);
      expect(await isAsked(other)).to.equal(true);
    });

    it('wants no fresh proof, asks once, and by asking nothing happens', async () => {
      await openAccount(gatehouse, person, web);
      await gatehouse.advance('5h');
      const asked = await web.get(`${gatehouse.url}/account/sign-out-everywhere`);
      expect(titleOf(asked)).to.equal('Sign out everywhere');
      expect(titleOf(await account())).to.equal('Account');
      expect(titleOf(await everywhere(web))).to.equal('Signed out');
    });

    it('voids a sign-in that is half done', async () => {
      const other = createWeb(gatehouse.url);
      const challenge = await afterPassword(other, party, person);
      const backup = await other.get(
        `${challenge.url.href.split('/prove')[0]}?method=backup-codes`,
      );
      await openAccount(gatehouse, person, web);
      await everywhere(web);
      const { backupCodes } = person;
      const late = await other.submit(backup, '/prove/backup-codes', {
        code: backupCodes[0] ?? '',
      });
      expect(titleOf(late)).to.equal('Your sign-in expired');
    });
  });
});
