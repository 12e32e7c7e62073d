// A sign-in that is half done when its account changes or goes: it is over at once, for everybody.
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
  enrolOn,
} from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

const EXPIRED = 'Your sign-in expired';

onBothStores('a half-done sign-in of an account that has changed', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  const change = (id: string, columns: object) => {
    const { store: database } = gatehouse.core;
    return database.write(database.compile(database.sql('accounts').where({ id }).update(columns)));
  };
  const evict = ({ id }: EnrolledPerson) => change(id, { generation: 7 });
  const counted = async ({ id }: EnrolledPerson) =>
    (await gatehouse.core.limits.findClosed({ id })).length;

  it('lets a thief who was sent away use up no more codes of the owner', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const thief = createWeb(gatehouse.url);
    const challenge = await afterPassword(thief, party, person);
    await evict(person);
    for (let guess = 0; guess < 10; guess += 1) {
      const refused = await thief.submit(challenge, '/prove/totp', { code: `00000${guess}` });
      expect([refused.status, titleOf(refused)]).to.deep.equal([410, EXPIRED]);
    }
    expect(await counted(person)).to.equal(0);
    const owner = createWeb(gatehouse.url);
    const page = await afterPassword(owner, party, person);
    const last = await owner.submit(page, '/prove/totp', { code: codeFor(person.secret) });
    expect(last.url.searchParams.get('code')).to.be.a('string');
  });

  it('nor over JSON', async () => {
    const app = await createApplication(gatehouse);
    const person = await createEnrolledPerson(gatehouse, party);
    const { email, password } = person;
    const { session_id } = (await app.post('login', { email, password })).body;
    await evict(person);
    for (let guess = 0; guess < 10; guess += 1) {
      const { body } = await app.post('mfa', { session_id, totp_code: `00000${guess}` });
      expect(body.error).to.equal('invalid_session');
    }
    expect(await counted(person)).to.equal(0);
  });

  it('takes no backup code that would open nothing', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const web = createWeb(gatehouse.url);
    const challenge = await afterPassword(web, party, person);
    const page = await web.get(`${challenge.url.href.split('/prove')[0]}?method=backup-codes`);
    await evict(person);
    const [code = ''] = person.backupCodes;
    expect(titleOf(await web.submit(page, '/prove/backup-codes', { code }))).to.equal(EXPIRED);
    expect(await gatehouse.core.recoveryCodes.left(person.id)).to.equal(10);
  });

  it('is no circle for somebody who has set up an authenticator in another tab', async () => {
    const person = await createPerson(gatehouse);
    const [first, second] = [createWeb(gatehouse.url), createWeb(gatehouse.url)];
    const [page, other] = await Promise.all([
      afterPassword(first, party, person),
      afterPassword(second, party, person),
    ]);
    const form = await second.next(other);
    await enrolOn(first, page);
    const late = await second.submit(form, '/enrol/totp', { code: codeFor(secretOn(other)) });
    expect([late.status, titleOf(late)]).to.deep.equal([410, EXPIRED]);
    const again = await second.submit(late, '/restart');
    expect(titleOf(again)).to.equal('Sign in');
  });

  it('is no circle at the backup codes', async () => {
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const page = await afterPassword(web, party, person);
    const saving = await web.submit(page, '/enrol/totp', { code: codeFor(secretOn(page)) });
    await change(person.id, { generation: 7 });
    const late = await web.submit(saving, '/backup-codes', { saved: 'yes' });
    expect([late.status, titleOf(late)]).to.deep.equal([410, EXPIRED]);
    expect(await gatehouse.core.recoveryCodes.left(person.id)).to.equal(undefined);
  });

  it('is over when the account is deleted, whatever was asked for', async () => {
    const people = [
      await createPerson(gatehouse),
      await createEnrolledPerson(gatehouse, party),
    ] as const;
    for (const person of people) {
      const web = createWeb(gatehouse.url);
      const page = await afterPassword(web, party, person);
      const { store: database } = gatehouse.core;
      const rows = database.sql('accounts').where({ id: person.id }).del();
      await database.write(database.compile(rows));
      const late = await web.get(page.url.href.split('/prove')[0] ?? '');
      expect([late.status, titleOf(late)]).to.deep.equal([410, EXPIRED]);
    }
  });
});
