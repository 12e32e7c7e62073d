// Second factors, backup codes and trusted devices in the audit, and why each was asked for or not.
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import { auditRows, auditText, said } from '../support/audit.ts';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
  enrolOn,
} from '../support/enrolled-person.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { NEW_PASSWORD, setHash, WEAK_PASSWORD } from '../support/weak-person.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

onOneStore('the audit of second factors', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  beforeEach(() => {
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const rowsOf = ({ id }: Pick<Person, 'id'>) => auditRows(gatehouse, { accountId: id });
  const since = async (before: number, person: Person) => (await rowsOf(person)).slice(before);
  const enrolled = async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    return { person, before: (await rowsOf(person)).length };
  };
  const knock = (person: Person, parameters = {}) =>
    afterPassword(web, party, person, { prompt: 'login', ...parameters });
  const totp = (page: Page, { secret }: EnrolledPerson, more = {}) =>
    web.submit(page, '/prove/totp', { code: codeFor(secret), ...more });

  it('tells an enrolment, its wrong codes, and that the backup codes were saved', async () => {
    const person = await createPerson(gatehouse);
    const page = await knock(person);
    await web.submit(page, '/enrol/totp', { code: '000000' });
    const { page: last } = await enrolOn(web, page);
    codeOf(last);
    const rows = await rowsOf(person);
    expect(said(rows)).to.deep.equal([
      'account.created ok',
      'sign_in.password ok',
      'factor.enrolled refused: wrong code',
      'factor.enrolled ok',
      'backup_codes.renewed ok',
      'sign_in.finished ok',
    ]);
    expect(rows[1]?.detail).to.deep.equal({
      method: 'password',
      policy: 'met',
      due: 'enrol-factor',
      grace: 'over',
    });
    expect(rows[3]?.detail).to.deep.equal({ method: 'totp' });
    const inIt = rows.slice(1);
    expect(new Set(inIt.map(({ flowId }) => flowId)).size).to.equal(1);
    for (const row of inIt) expect(row.actor).to.equal(person.id);
  });

  it('tells the days of grace with the password', async () => {
    const person = await createExistingPerson(gatehouse);
    await knock(person);
    const { detail } = (await rowsOf(person)).at(-1) ?? {};
    expect(detail).to.include({ due: 'enrol-factor' });
    const end = Date.parse(String(detail?.grace).replace(/^until /, ''));
    expect((end - Date.now()) / 86_400_000).to.be.within(6.9, 7);
  });

  it('tells each code, right, wrong and used before', async () => {
    const { person, before } = await enrolled();
    const page = await knock(person);
    const code = codeFor(person.secret);
    await web.submit(page, '/prove/totp', { code: '12345x' });
    await web.submit(page, '/prove/totp', { code: '000000' });
    codeOf(await web.submit(page, '/prove/totp', { code }));
    await web.submit(await knock(person), '/prove/totp', { code });
    const rows = await since(before, person);
    expect(said(rows)).to.deep.equal([
      'sign_in.password ok',
      'sign_in.factor refused: wrong code',
      'sign_in.factor ok',
      'sign_in.finished ok',
      'sign_in.password ok',
      'sign_in.factor refused: code used before',
    ]);
    for (const { detail } of [rows[1], rows[2], rows[5]].map((row) => row ?? { detail: {} })) {
      expect(detail).to.deep.equal({ method: 'totp' });
    }
  });

  it('tells that a backup code was used, and how many are left', async () => {
    const { person, before } = await enrolled();
    const page = await knock(person);
    const backup = await web.get(`${page.url.href.split('/prove')[0]}?method=backup-codes`);
    const code = person.backupCodes[0] ?? '';
    codeOf(await web.submit(backup, '/prove/backup-codes', { code }));
    await gatehouse.advance('30s');
    const rows = await since(before, person);
    expect(said(rows)).to.deep.equal([
      'sign_in.password ok',
      'sign_in.factor ok',
      'backup_code.used ok',
      'sign_in.finished ok',
    ]);
    expect(rows[1]?.detail).to.deep.equal({ method: 'backup-codes' });
    expect(rows[2]?.detail).to.deep.equal({ left: 9 });
    expect(rows[2]?.flowId).to.equal(rows[1]?.flowId);
  });

  describe('of trusted devices', () => {
    const trusted = async () => {
      const person = await createEnrolledPerson(gatehouse, party);
      codeOf(await totp(await knock(person), person, { remember: 'yes' }));
      await gatehouse.advance('30s');
      return { person, before: (await rowsOf(person)).length };
    };
    const factsOf = async (person: Person) => (await rowsOf(person)).at(-1)?.detail;

    it('tells that one is trusted, and that it stood in for the code', async () => {
      const { person, before } = await trusted();
      expect(said((await rowsOf(person)).slice(-2))).to.deep.equal([
        'sign_in.finished ok',
        'device.trusted ok',
      ]);
      codeOf(await knock(person));
      const rows = await since(before, person);
      expect(said(rows)).to.deep.equal(['sign_in.password ok', 'sign_in.finished ok']);
      expect(rows[0]?.detail).to.deep.equal({
        method: 'password',
        policy: 'met',
        device: 'trusted',
      });
      expect(rows[1]?.detail.acr).to.equal('urn:gatehouse:acr:remembered-device');
    });

    it('tells why its cookie was ignored: more was asked for', async () => {
      const { person } = await trusted();
      await knock(person, { acr_values: 'urn:gatehouse:acr:mfa' });
      expect(await factsOf(person)).to.include({
        due: 'second-factor',
        device: 'ignored: urn:gatehouse:acr:mfa is asked for',
      });
    });

    it('tells why its cookie was ignored: it was forgotten', async () => {
      const { person } = await trusted();
      const { store: database } = gatehouse.core;
      await database.run(database.compile(database.sql('trusted_devices').del()));
      await knock(person);
      expect(await factsOf(person)).to.include({
        due: 'second-factor',
        device: 'ignored: the device was forgotten',
      });
    });

    it('tells why its cookie was ignored: the password gave way', async () => {
      const { person, before } = await trusted();
      await setHash(gatehouse, person.id, await bcrypt.hash(WEAK_PASSWORD, 4));
      const page = await knock({ ...person, password: WEAK_PASSWORD });
      const chosen = { new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };
      const second = await web.submit(page, '/new-password', chosen);
      expect(titleOf(second)).to.equal('Two-factor authentication');
      const rows = await since(before, person);
      expect(said(rows)).to.deep.equal(['sign_in.password ok', 'sign_in.migration ok']);
      expect(rows[0]?.detail).to.include({ policy: 'unmet', due: 'new-password' });
      expect(rows[1]?.detail).to.deep.equal({
        policy: 'met',
        due: 'second-factor',
        device: 'ignored: the password changes',
      });
    });
  });

  it('tells that all factors were reset, and what that ended', async () => {
    const { person, before } = await enrolled();
    codeOf(await totp(await knock(person), person));
    const { core } = gatehouse;
    await core.store.write(...(await core.resetFactors(person.id)));
    const rows = (await since(before, person)).slice(3);
    expect(said(rows)).to.have.members([
      'session.ended ok: second factor reset',
      'factor.removed ok: reset',
    ]);
    expect(rows.find(({ kind }) => kind === 'session.ended')?.detail).to.include({ count: 2 });
  });

  it('holds no secret of an authenticator, no code and no backup code', async () => {
    const person = await createPerson(gatehouse);
    const page = await knock(person);
    const secret = secretOn(page);
    const { backupCodes } = await enrolOn(web, page);
    await gatehouse.advance('30s');
    const code = codeFor(secret);
    await web.submit(await knock(person), '/prove/totp', { code });
    const text = await auditText(gatehouse);
    expect(text).to.include(person.id);
    for (const each of [secret, `"${code}"`, ...backupCodes]) {
      expect(text.includes(each), each).to.equal(false);
      expect(text.includes(each.replace('-', '')), each).to.equal(false);
    }
  });
});
