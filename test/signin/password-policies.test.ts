// Policy versions, and what a change of password ends: sessions, tokens, and what it leaves.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  advanceClock,
  type Gatehouse,
  startGatehouse,
  WITHOUT_FACTOR,
} from '../support/gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { onOneStore, type StoreKind } from '../support/stores.ts';
import { NEW_PASSWORD, setHash, storedPassword } from '../support/weak-person.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const UPDATE = 'Update your password';
/** Meets what comes: longer than 20, and still of four kinds. */
const LONG_PASSWORD = 'Bofi5-Zarn6-Tulo8-Wegi9-Hamp3';

const choose = (web: Web, page: Page, password: string) =>
  web.submit(page, '/new-password', { new_password: password, confirm_password: password });

onOneStore('an announced policy', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;

  before(async () => {
    gatehouse = await startWith(store, 10 * 86_400_000);
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPersonBefore(gatehouse);
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(() => gatehouse.stop());

  it('holds nobody up, tells them, and asks new passwords to meet both', async () => {
    const { web } = await signIn(gatehouse, party, person);
    expect(await storedPassword(gatehouse, person.id)).to.include({ known: 1 });
    const account = await web.get(`${gatehouse.url}/account`);
    expect(account.text).to.include('New password requirements apply from');
    const { passwords } = gatehouse.core;
    const lacks = passwords.checkPassword(person.password, {}).rules.filter(({ met }) => !met);
    expect(lacks.map(({ rule }) => rule)).to.deep.equal(['length']);
  });

  it('says nothing to whom it does not concern', async () => {
    const { hash } = await import('argon2');
    const good = { ...person, password: LONG_PASSWORD };
    await setHash(gatehouse, person.id, await hash(LONG_PASSWORD));
    const { web } = await signIn(gatehouse, party, good);
    expect(await storedPassword(gatehouse, person.id)).to.include({ known: 2 });
    const account = await web.get(`${gatehouse.url}/account`);
    expect(account.text).not.to.include('New rules for passwords');
    await gatehouse.advance('11d');
    const again = await signIn(gatehouse, party, good, { web });
    codeOf(await web.get(party.url({ prompt: 'none' }).url));
    expect((await party.refresh(again.tokens.refresh_token ?? '')).status).to.equal(200);
  });

  it('from its day on lets nobody by: not by a session, not by a refresh', async () => {
    await gatehouse.advance('9d');
    const { web, tokens } = await signIn(gatehouse, party, person, {
      parameters: { scope: 'openid email offline_access', prompt: 'consent' },
    });
    const next = await party.refresh(tokens.refresh_token ?? '');
    expect(next.status).to.equal(200);
    await gatehouse.advance('23h');
    expect(codeOf(await web.get(party.url({ prompt: 'none' }).url))).to.be.a('string');
    await gatehouse.advance('2h');
    const refused = await party.refresh(String(next.body.refresh_token));
    expect(refused.body).to.include({ error: 'invalid_grant' });
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    const other = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    for (const client of [party, other]) {
      expect(titleOf(await web.get(client.url().url))).to.equal('Sign in');
    }
    const request = party.url();
    const page = await web.submit(await web.get(request.url), '/prove/password', { ...person });
    expect(titleOf(page)).to.equal(UPDATE);
    const last = await allowIfAsked(web, await choose(web, page, LONG_PASSWORD));
    const answer = await party.redeem(request, codeOf(last));
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    expect(await storedPassword(gatehouse, person.id)).to.include({ known: 2, generation: 2 });
    // The session of this browser has gone along.
    codeOf(await web.get(party.url({ prompt: 'none' }).url));
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Account');
  });
});

onOneStore('a new password at sign-in', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse, {
      metadata: { backchannel_logout_uri: 'https://app.example.com/logout' },
    });
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  /** The password in use stops being good enough, as after a change of the rules. */
  const updateIn = async (web: Web, parameters = {}) => {
    const { passwords } = gatehouse.core;
    const { reviewStored } = passwords;
    const request = party.url({ prompt: 'login', ...parameters });
    const page = await web.get(request.url);
    Object.assign(passwords, { reviewStored: () => ({ unmet: true, meets: undefined }) });
    const due = await web.submit(page, '/prove/password', { ...person });
    Object.assign(passwords, { reviewStored });
    expect(titleOf(due)).to.equal(UPDATE);
    const last = await allowIfAsked(web, await choose(web, due, NEW_PASSWORD));
    return party.redeem(request, codeOf(last));
  };
  const letters = async () => {
    const { store: database } = gatehouse.core;
    const rows = await database.all(database.compile(database.sql('outbox')));
    return rows.filter(({ payload }) => String(payload).includes(person.id)).length;
  };

  it('ends other sessions and all tokens from before, and this session goes on', async () => {
    const elsewhere = await signIn(gatehouse, party, person);
    const here = await signIn(gatehouse, party, person);
    const offline = await signIn(gatehouse, party, person, {
      parameters: { scope: 'openid offline_access', prompt: 'consent' },
    });
    const answer = await updateIn(here.web);
    expect(answer.status).to.equal(200);

    for (const { tokens } of [elsewhere, here, offline]) {
      const refused = await party.refresh(tokens.refresh_token ?? '');
      expect(refused.body).to.include({ error: 'invalid_grant' });
      expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
      expect((await party.introspect(tokens.access_token)).body).to.deep.equal({ active: false });
    }
    for (const { web } of [elsewhere, offline]) {
      const silent = await web.get(party.url({ prompt: 'none' }).url);
      expect(silent.url.searchParams.get('error')).to.equal('login_required');
      expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
    }
    const codes = await here.web.get(party.url({ prompt: 'none' }).url);
    codeOf(codes);
    expect(titleOf(await here.web.get(`${gatehouse.url}/account`))).to.equal('Account');
    expect((await party.refresh(String(answer.body.refresh_token))).status).to.equal(200);
    expect(await letters(), 'back-channel logouts').to.equal(2);
  });

  it('keeps the consents', async () => {
    const { web } = await signIn(gatehouse, party, person);
    const { store: database } = gatehouse.core;
    const own = database.compile(database.sql('consents').where({ account_id: person.id }));
    const count = async () => (await database.all(own)).length;
    expect(await count()).to.equal(1);
    await updateIn(web);
    expect(await count()).to.equal(1);
    const fresh = createWeb(gatehouse.url);
    const page = await fresh.get(party.url().url);
    // No question in between.
    codeOf(await fresh.submit(page, '/prove/password', { ...person, password: NEW_PASSWORD }));
  });

  it("takes another person's session in this browser with it", async () => {
    const other = await createPerson(gatehouse);
    const { web } = await signIn(gatehouse, party, other);
    const answer = await updateIn(web);
    expect(answer.status).to.equal(200);
    codeOf(await web.get(party.url({ prompt: 'none', id_token_hint: undefined }).url));
    expect((await web.get(`${gatehouse.url}/account`)).text).to.include(person.email);
  });
});

async function startWith(store: StoreKind, inMs: number): Promise<Gatehouse> {
  const database = await store.createMigrated();
  const file = join(database.dataDir, 'policy.json');
  const announced = {
    version: 2,
    preset: 'composition',
    min_length: 20,
    enforced_from: new Date(Date.now() + inMs).toISOString(),
  };
  writeFileSync(file, JSON.stringify({ password: { announced }, ...WITHOUT_FACTOR }));
  return startGatehouse({ store, database, env: { GATEHOUSE_CONFIG: file } });
}

/** With a password from before the announcement. */
async function createPersonBefore(gatehouse: Gatehouse): Promise<Person> {
  const { hash } = await import('argon2');
  const email = `before-${Math.random().toString(36).slice(2)}@example.com`;
  const password = 'Tavu7-Ripo3-Keld9';
  const { id } = await gatehouse.core.accounts.create({ email });
  await setHash(gatehouse, id, await hash(password));
  return { id, email, password };
}
