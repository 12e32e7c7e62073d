// Forgotten passwords in the audit: what a link did, and every limit in its way.
import { expect } from 'chai';
import { auditRows, auditText, said } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { askForLink, choose, DONE, useLink } from '../support/reset-link.ts';
import { onOneStore } from '../support/stores.ts';
import { NEW_PASSWORD } from '../support/weak-person.ts';
import { createWeb, titleOf, type Web } from '../support/web.ts';

onOneStore('the audit of links', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const rowsOf = async () => (await auditRows(gatehouse, { accountId: person.id })).slice(1);
  const ask = async (email: string) => {
    const page = await web.get(`${gatehouse.url}/forgot-password`);
    return web.submit(page, '/forgot-password', { email });
  };
  const locks = async (rule: string) => {
    const rows = await auditRows(gatehouse, { kind: 'sign_in.locked' });
    return rows.filter(({ detail }) => detail.rule === rule);
  };

  it('tells the reset and the sessions that it ended, and holds neither link nor ticket', async () => {
    await signIn(gatehouse, party, person);
    const before = (await rowsOf()).length;
    const link = await askForLink(gatehouse, person.email);
    const form = await useLink(web, link);
    const ticket = web.cookies().find(({ name }) => name === 'gatehouse_reset')?.value ?? '';
    expect(titleOf(await choose(web, form, NEW_PASSWORD))).to.equal(DONE);
    expect(said((await rowsOf()).slice(before))).to.have.members([
      'session.ended ok: password reset',
      'password.reset ok',
    ]);
    const [told] = await auditRows(gatehouse, { kind: 'password.reset' });
    expect(told?.detail).to.deep.equal({ email_verified: true });
    const text = await auditText(gatehouse);
    for (const secret of [link.split('/').at(-1) ?? '', ticket]) {
      expect(secret).to.have.length(43);
      expect(text.includes(secret)).to.equal(false);
    }
  });

  it('tells the third mail of an hour, and each that was not sent', async () => {
    for (let time = 0; time < 5; time += 1) await ask(person.email);
    const rows = await rowsOf();
    expect(said(rows)).to.deep.equal([
      'sign_in.locked refused: limit reached',
      'sign_in.locked refused: attempt refused by a limit',
      'sign_in.locked refused: attempt refused by a limit',
    ]);
    for (const { detail } of rows) {
      expect(detail).to.include({ rule: 'mails', method: 'reset-mail' });
      expect((Date.parse(String(detail.until)) - Date.now()) / 60_000).to.be.within(58, 60);
    }
    const already = (await locks('mails')).length;
    const nobody = `nobody-${person.email}`;
    for (let time = 0; time < 5; time += 1) await ask(nobody);
    const own = (await locks('mails')).slice(already);
    expect(said(own), 'the same for nobody').to.deep.equal(said(rows));
    for (const row of own) expect(row.accountId).to.equal(undefined);
    expect(await auditText(gatehouse)).not.to.include('nobody');
  });

  it('tells when links are guessed, and when no more of them are looked at', async () => {
    const guess = (index: number) =>
      web.get(`${gatehouse.url}/reset-password/${String(index).padStart(43, 'x')}`);
    for (let index = 0; index < 21; index += 1) await guess(index);
    expect(said(await locks('links'))).to.deep.equal([
      'sign_in.locked refused: limit reached',
      'sign_in.locked refused: attempt refused by a limit',
    ]);
  });
});
