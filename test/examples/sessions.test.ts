// The examples that keep a session: each gets new tokens in the last minute of the old ones.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { createApplication } from '../support/application.ts';
import { auditRows } from '../support/audit.ts';
import { type Started, startExample } from '../support/examples.ts';
import { freePort, type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signInAt } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

describe('the examples that keep a session', () => {
  let gatehouse: Gatehouse;
  let example: Started | undefined;

  /** @param lifetime of an access token, in seconds */
  const start = async (lifetime: number) => {
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'lifetimes.json');
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, ttl: { access_token: lifetime } }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
  };
  afterEach(async () => {
    await example?.end('SIGKILL');
    await gatehouse.stop();
  });

  const refreshes = async () => (await auditRows(gatehouse, { kind: 'token.refreshed' })).length;
  const startWebSession = async () => {
    const port = await freePort();
    const home = `http://localhost:${port}`;
    const metadata = { first_party: true, redirect_uris: [`${home}/callback`] };
    const { id, secret = '' } = await createRelyingParty(gatehouse, { metadata });
    const env = { CLIENT_ID: id, CLIENT_SECRET: secret, ISSUER: gatehouse.url, PORT: `${port}` };
    const bare = startExample('web-session/app.ts', []);
    expect(await bare.end()).to.equal(2);
    expect(bare.err()).to.match(/^Set CLIENT_ID and CLIENT_SECRET: .*\n$/);
    example = startExample('web-session/app.ts', [], env);
    await example.until(/http/);
    const web = createWeb(home);
    const person = await createPerson(gatehouse);
    const leads = await web.once(`${home}/sign-in`);
    // The same jar: cookies know no ports.
    const moved = await web.get(String(leads.headers.get('location')));
    // A browser without any cookie is sent to the page once more.
    const settled = await web.get(moved.url);
    const back = await signInAt(web, await web.get(settled.url), person);
    await web.get(back.url);
    return async () => JSON.parse((await web.get(home)).text);
  };

  it('a web application leaves young tokens alone', async () => {
    await start(900);
    const look = await startWebSession();
    const first = await look();
    expect(first).to.include({ signed_in: true, name: 'Test Person' });
    expect(await look()).to.deep.equal(first);
    expect(await refreshes()).to.equal(0);
  });

  it('a web application renews tokens in their last minute, once for all who ask', async () => {
    await start(60);
    const look = await startWebSession();
    const before = await refreshes();
    expect(await look()).to.include({ signed_in: true });
    expect(await refreshes()).to.equal(before + 1);
    const seen = await Promise.all(Array.from({ length: 10 }, look));
    for (const each of seen) expect(each).to.include({ signed_in: true });
    expect(await refreshes()).to.be.within(before + 2, before + 11);
    expect(await auditRows(gatehouse, { kind: 'token.reuse' })).to.deep.equal([]);
  });

  it('a program in a terminal does so over JSON, and signs out', async () => {
    await start(61);
    const { id, secret = '' } = await createApplication(gatehouse);
    const { email, password } = await createPerson(gatehouse);
    const env = { ISSUER: gatehouse.url, CLIENT_ID: id, CLIENT_SECRET: secret };
    const DEVICE_TOKENS = join(gatehouse.database.dataDir, 'device-tokens.json');
    const person = { EMAIL: email, PASSWORD: password, DEVICE_TOKENS };
    example = startExample('json-sign-in/sign-in.ts', [], { ...env, ...person });
    const found = await example.until(/^(\S+)\n(\S+)\n/);
    const [first, second] = found.slice(1).map((token) => decodeJwt(token));
    expect(first?.jti).not.to.equal(second?.jti);
    expect(first?.sid).to.equal(second?.sid);
    expect(await example.end('SIGINT')).to.equal(0);
    expect(example.err()).to.include('Signed out.');
    const [last] = (await auditRows(gatehouse, { kind: 'session.ended' })).slice(-1);
    expect(last?.reason).to.equal('signed out at an application');
    const kept = readFileSync(DEVICE_TOKENS, 'utf8');
    expect(JSON.parse(kept)).to.have.all.keys(email);
    expect(statSync(DEVICE_TOKENS).mode & 0o777).to.equal(0o600);
    example = startExample('json-sign-in/sign-in.ts', [], { ...env, ...person });
    await example.until(/^(\S+)\n/);
    expect(readFileSync(DEVICE_TOKENS, 'utf8'), 'sent, and so the same one').to.equal(kept);
  });
});
