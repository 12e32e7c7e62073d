// One byte of one row flips: everything else that an account has still opens it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { nextCode, openAccount, pathsOn, sectionOf } from '../support/account-page.ts';
import { createApplication } from '../support/application.ts';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import { runHere } from '../support/commands.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, titleOf, type Web } from '../support/web.ts';

const DAMAGED = 'Its codes no longer work.';

onBothStores('a row that is damaged: an authenticator', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;

  before(async () => {
    const database = await store.createMigrated();
    const file = join(database.dataDir, 'sms.json');
    const sms = { enabled: true, webhook_url: 'https://sms.example.com/' };
    writeFileSync(file, JSON.stringify({ sms }));
    const env = { GATEHOUSE_CONFIG: file, SMS_WEBHOOK_SECRET: 's'.repeat(32) };
    gatehouse = await startGatehouse({ database, env });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
  });
  after(() => gatehouse.stop());

  const at = (path: string) => `${gatehouse.url}${path}`;
  const rowsOf = (table: string) =>
    gatehouse.core.store.sql(table).where({ account_id: person.id });
  const flip = async (table: string, column: string) => {
    const { store: database } = gatehouse.core;
    const [row] = await database.all(
      database.compile(rowsOf(table).orderBy('created_at').limit(1)),
    );
    const sealed = String(row?.[column]);
    const flipped = `${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`;
    const change = rowsOf(table)
      .where({ [column]: sealed })
      .update({ [column]: flipped });
    await database.write(database.compile(change, 1));
  };
  /** Beside the first one. */
  const addSecond = async (web: Web): Promise<string> => {
    const setup = await web.get(at('/account/authenticators/add/totp'));
    const secret = secretOn(setup);
    const done = await web.submit(setup, '/add/totp', { code: codeFor(secret) });
    expect(titleOf(done)).to.equal('Account');
    return secret;
  };
  const removals = async (web: Web) => pathsOn(await web.get(at('/account')), /remove$/);
  const withCode = async (method: 'totp' | 'backup-codes', code: string) => {
    const web = createWeb(gatehouse.url);
    const challenge = await afterPassword(web, party, person);
    const page = await web.get(`${challenge.url.href.split('/prove')[0]}?method=${method}`);
    return { web, last: await web.submit(page, `/prove/${method}`, { code }) };
  };

  it('does not stand in the way of the others, on pages and over JSON', async () => {
    const { web } = await openAccount(gatehouse, person);
    const second = await addSecond(web);
    await flip('authenticators', 'secret');
    const { last } = await withCode('totp', await nextCode(gatehouse, second));
    expect(last.url.searchParams.get('code')).to.be.a('string');
    const app = await createApplication(gatehouse);
    const totp_code = await nextCode(gatehouse, second);
    const { email, password } = person;
    expect((await app.post('login', { email, password, totp_code })).status).to.equal(200);
    const own = await withCode('totp', await nextCode(gatehouse, person.secret));
    expect(own.last.status, 'of the damaged one').to.equal(422);
  });

  it('is shown as unusable, and can be removed while the last good one stays', async () => {
    const { web } = await openAccount(gatehouse, person);
    const second = await addSecond(web);
    await flip('authenticators', 'secret');
    expect(sectionOf(await web.get(at('/account')), 'Authenticators')).to.include(DAMAGED);
    const [path = '', ...rest] = await removals(web);
    expect(rest).to.deep.equal([]);
    await web.submit(await web.get(at(path)), '/remove');
    expect(sectionOf(await web.get(at('/account')), 'Authenticators')).not.to.include(DAMAGED);
    const { last } = await withCode('totp', await nextCode(gatehouse, second));
    expect(last.url.searchParams.get('code')).to.be.a('string');
  });

  it('still asks for a second factor where it is the only one, and goes when another has come', async () => {
    await flip('authenticators', 'secret');
    const { last } = await withCode('totp', codeFor(person.secret));
    expect([last.status, titleOf(last)]).to.deep.equal([422, 'Two-factor authentication']);
    const { web } = await withCode('backup-codes', person.backupCodes[0] ?? '');
    expect(await removals(web), 'nobody is left without one').to.deep.equal([]);
    await addSecond(web);
    const [path = '', ...rest] = await removals(web);
    expect(rest).to.deep.equal([]);
    const gone = await web.submit(await web.get(at(path)), '/remove');
    expect(sectionOf(gone, 'Authenticators')).not.to.include(DAMAGED);
  });

  it('nor does a damaged sign-in: another one begins in its place', async () => {
    const web = createWeb(gatehouse.url);
    const challenge = await afterPassword(web, party, person);
    const broken = rowsOf('sign_in_flows').whereNull('ended_at').update({ facts: '{"v":2,"p' });
    await gatehouse.core.store.write(gatehouse.core.store.compile(broken, 1));
    const late = await web.submit(challenge, '/prove/totp', { code: codeFor(person.secret) });
    expect([late.status, titleOf(late)]).to.deep.equal([410, 'Your sign-in expired']);
    expect(titleOf(await web.submit(late, '/restart'))).to.equal('Sign in');
  });

  it('nor does a damaged session: the others go on, and an operator can end them all', async () => {
    const { web } = await openAccount(gatehouse, person);
    const { web: broken } = await openAccount(gatehouse, person);
    const { store: database } = gatehouse.core;
    const [newest] = await database.all(
      database.compile(rowsOf('sessions').orderBy('created_at', 'desc').limit(1)),
    );
    const change = rowsOf('sessions').where({ uid: newest?.uid }).update({ login: '{"loginTs":1' });
    await database.write(database.compile(change, 1));
    expect(titleOf(await broken.get(at('/account')))).to.equal('Sign in');
    const silent = await broken.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    expect(titleOf(await web.get(at('/account')))).to.equal('Account');
    const why = ['--reason', 'a damaged session'];
    const { code } = await runHere(['account', 'suspend', person.email, ...why], gatehouse);
    expect(code).to.equal(0);
    expect(titleOf(await web.get(at('/account')))).to.equal('Sign in');
  });

  it('nor does a damaged phone number', async () => {
    const { core } = gatehouse;
    await core.store.write(core.phones.add(person.id, '+15005551234'));
    await flip('phones', 'number');
    const { web, last } = await withCode('totp', codeFor(person.secret));
    expect(last.url.searchParams.get('code')).to.be.a('string');
    const page = await web.get(at('/account'));
    expect(sectionOf(page, 'Authenticators')).to.include(DAMAGED);
  });
});
