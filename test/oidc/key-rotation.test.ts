// New signing keys: published, used and retired at their times, and nobody is thrown out meanwhile.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';
import knexModule from 'knex';
import { down, up } from '../../migrations/0009-key-rotation.ts';
import type { Urgency } from '../../src/domain/keys/rotation.ts';
import { moveTestClock } from '../../src/lib/clock.ts';
import { createApplication } from '../support/application.ts';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import {
  ALGS,
  createIssue,
  type Issue,
  jwksOf,
  kidOf,
  kidsAt,
  withResources,
} from '../support/signing.ts';
import { onOneStoreExcept, type TestDatabase } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

onOneStoreExcept(/each once|many people|gone at once/, 'rotation of the signing keys', (store) => {
  let database: TestDatabase;
  let gatehouse: Gatehouse;
  let issue: Issue;
  let before: string[];

  const open = async (more: object = {}) => {
    gatehouse = await startGatehouse({ database, env: withResources(database, more) });
    issue = await createIssue(gatehouse);
  };
  beforeEach(async () => {
    database = await store.createMigrated();
    await open();
    before = await kidsAt(gatehouse.url);
  });
  afterEach(() => gatehouse.stop());

  const rotate = async (urgency: Urgency = 'planned', alg?: (typeof ALGS)[number]) => {
    const made = await gatehouse.core.keys.rotate({ urgency, alg });
    await gatehouse.core.renewKeys();
    return made.map(({ kid }) => kid);
  };
  const statesOf = async () =>
    Object.fromEntries((await gatehouse.core.keys.list()).map(({ kid, state }) => [kid, state]));
  const signers = async () => Promise.all(ALGS.map(async (alg) => kidOf(await issue(alg))));
  const verify = async (token: string) =>
    jwtVerify(token, createLocalJWKSet({ keys: await jwksOf(gatehouse.url) } as JSONWebKeySet));
  const isRefused = async (promise: Promise<unknown>): Promise<boolean> =>
    promise.then(
      () => false,
      () => true,
    );

  it('publishes new keys at once, and signs with them from their time on', async () => {
    expect(await signers()).to.deep.equal(before);
    const made = await rotate();
    expect(made).to.have.length(3);
    expect(await kidsAt(gatehouse.url)).to.have.members([...before, ...made]);
    expect(await signers(), 'at once').to.deep.equal(before);
    await gatehouse.advance('14m');
    expect(await signers(), 'after 14 minutes').to.deep.equal(before);
    await gatehouse.advance('1m');
    expect(await signers(), 'after 15 minutes').to.deep.equal(made);
    const states = await statesOf();
    for (const kid of before) expect(states[kid]).to.equal('verifying');
    for (const kid of made) expect(states[kid]).to.equal('signing');
    const rows = await auditRows(gatehouse, { kind: 'admin.key_rotated' });
    expect(rows.map(({ detail }) => detail.kid)).to.have.members(made);
  });

  it('keeps the old keys until the longest token that they have signed has run out', async () => {
    const [old = ''] = before;
    await rotate();
    await gatehouse.advance('14m');
    const party = await createRelyingParty(gatehouse);
    const { tokens } = await signIn(gatehouse, party, await createPerson(gatehouse));
    const idToken = tokens.id_token ?? '';
    expect(kidOf(idToken)).to.equal(old);
    await gatehouse.advance('59m');
    await verify(idToken);
    await gatehouse.advance('2m');
    expect(await kidsAt(gatehouse.url), 'a moment after its end').to.include.members(before);
    await gatehouse.advance('3m');
    const after = await kidsAt(gatehouse.url);
    expect(after).to.have.length(3).and.not.to.include.members(before);
    expect((await statesOf())[old]).to.equal('retired');
    const rows = await auditRows(gatehouse, { kind: 'admin.key_retired' });
    expect(rows.map(({ detail }) => detail.kid)).to.have.members(before);
  });

  it('retires each once, however many processes find it due', async () => {
    await rotate();
    // As another process would have it: this one has not looked yet.
    moveTestClock(3 * 3_600_000);
    const { keys } = gatehouse.core;
    const plans = await Promise.all(Array.from({ length: 10 }, () => keys.settle()));
    expect(new Set(plans).size).to.equal(1);
    const rows = await auditRows(gatehouse, { kind: 'admin.key_retired' });
    expect(rows.map(({ detail }) => detail.kid)).to.have.members(before);
  });

  it('keeps nothing of the private half of a retired key', async () => {
    await rotate();
    await gatehouse.advance('3h');
    const { store: rows } = gatehouse.core;
    const retired = rows.sql('signing_keys').whereIn('kid', before);
    const found = await rows.all(rows.compile(retired));
    expect(found.map(({ sealed_jwk: sealed }) => sealed)).to.deep.equal(['', '', '']);
  });

  it('keeps them for access tokens that live longer than ID tokens', async () => {
    await gatehouse.pause();
    await open({ ttl: { access_token: 7200 } });
    await rotate();
    await gatehouse.advance('14m');
    const token = await issue();
    await gatehouse.advance('119m');
    await verify(token);
    await gatehouse.advance('6m');
    expect(await kidsAt(gatehouse.url)).to.have.length(3);
  });

  it('keeps them as long as it said, also when tokens live shorter now', async () => {
    await gatehouse.pause();
    await open({ ttl: { id_token: 7200 } });
    await rotate();
    await gatehouse.advance('14m');
    const party = await createRelyingParty(gatehouse);
    const { tokens } = await signIn(gatehouse, party, await createPerson(gatehouse));
    await gatehouse.pause();
    await open({ ttl: { id_token: 600 } });
    await gatehouse.advance('119m');
    await verify(tokens.id_token ?? '');
  });

  it('nobody notices who keeps the keys for ten minutes, whether or not they look again', async () => {
    const { url } = gatehouse;
    const remote = createRemoteJWKSet(new URL(`${url}/jwks`), { cacheMaxAge: 600_000 });
    let kept: JSONWebKeySet | undefined;
    for (let minutes = 0; minutes < 100; minutes += 2) {
      if (minutes === 2) await rotate();
      if (minutes % 10 === 0) kept = { keys: await jwksOf(url) } as JSONWebKeySet;
      const token = await issue();
      await jwtVerify(token, remote);
      await jwtVerify(token, createLocalJWKSet(kept as JSONWebKeySet));
      await gatehouse.advance('2m');
    }
    expect(await kidsAt(url)).not.to.include.members(before);
  });

  it('with --now nobody is left behind who looks again after half a minute', async () => {
    const load = () => createRemoteJWKSet(new URL(`${gatehouse.url}/jwks`));
    const parties: Array<ReturnType<typeof load>> = [];
    const signed = new Set<string>();
    for (let seconds = 0; seconds < 100; seconds += 5) {
      parties.push(load());
      const token = await issue();
      signed.add(kidOf(token));
      await Promise.all(parties.map((keys) => jwtVerify(token, keys)));
      if (seconds === 20) await rotate('now');
      await gatehouse.advance('5s');
    }
    expect(signed.size).to.equal(2);
  });

  it('a sign-in that has begun goes on over the change', async () => {
    const party = await createRelyingParty(gatehouse);
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const page = await web.get(request.url);
    const [made = ''] = await rotate('now');
    await gatehouse.advance('40s');
    const code = codeOf(await signInAt(web, page, person));
    await rotate('now');
    const { status, body } = await party.redeem(request, code);
    expect(status).to.equal(200);
    expect(kidOf(String(body.id_token))).to.equal(made);
    await verify(String(body.id_token));
    expect((await party.refresh(String(body.refresh_token))).status).to.equal(200);
  });

  it('applications that sign people in over JSON go on, too', async () => {
    const application = await createApplication(gatehouse);
    const { email, password } = await createPerson(gatehouse);
    const login = () => application.post('login', { email, password, scope: 'openid' });
    const first = await login();
    const [made = ''] = await rotate('now');
    await gatehouse.advance('40s');
    const { refreshToken } = first.body;
    for (const { status, body } of [
      await login(),
      await application.post('refresh', { refreshToken }),
    ]) {
      expect(status).to.equal(200);
      expect([kidOf(String(body.token)), kidOf(String(body.id_token))]).to.deep.equal([made, made]);
    }
    expect(kidOf(String(first.body.token))).to.equal(before[0]);
  });

  it('a request that is being answered ends with the key that it began with', async () => {
    const party = await createRelyingParty(gatehouse);
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const person = await createPerson(gatehouse);
    const code = codeOf(await signInAt(web, await web.get(request.url), person));
    const held = holdReads(gatehouse);
    const answer = party.redeem(request, code);
    await held.reached;
    const [made] = await rotate('compromised');
    expect((await kidsAt(gatehouse.url))[0]).to.equal(made);
    held.release();
    const { status, body } = await answer;
    expect(status).to.equal(200);
    expect(kidOf(String(body.id_token))).to.equal(before[0]);
    expect(kidOf(await issue())).to.equal(made);
  });

  it('a logout token that had to wait is signed with the key of its day', async () => {
    const { receiver, received, metadata } = await startReceiver([500, 200, 200]);
    const party = await createRelyingParty(gatehouse, { metadata });
    const signOut = async () => {
      const { web } = await signIn(gatehouse, party, await createPerson(gatehouse));
      await web.submit(await web.get(`${gatehouse.url}/account`), '/account/sign-out');
      await gatehouse.core.deliver();
    };
    await signOut();
    const made = await rotate();
    await gatehouse.advance('3h');
    await gatehouse.core.deliver();
    await signOut();
    receiver.close();
    receiver.closeAllConnections();
    expect(received.map(kidOf)).to.deep.equal([before[0], made[0], made[0]]);
    for (const token of received.slice(1)) await verify(token);
  });

  it('sign-ins of many people all end while keys change again and again', async () => {
    const party = await createRelyingParty(gatehouse);
    const people = await Promise.all(Array.from({ length: 12 }, () => createPerson(gatehouse)));
    const signingIn = Promise.all(people.map((person) => signIn(gatehouse, party, person)));
    let over = false;
    const changing = (async () => {
      // Takes the place of the key at once: no time goes by, in which codes would run out.
      while (!over) await rotate('compromised', 'ES256');
    })();
    const done = await signingIn.finally(() => {
      over = true;
    });
    await changing;
    const subjects = done.map(({ tokens }) => decodeJwt(tokens.id_token ?? '').sub);
    expect(subjects).to.deep.equal(people.map(({ id }) => id));
  });

  it('leaves nothing of the providers that were replaced', async () => {
    const party = await createRelyingParty(gatehouse);
    const gone: WeakRef<object>[] = [];
    for (let round = 0; round < 15; round += 1) {
      gone.push(new WeakRef(gatehouse.core.provider()));
      await signIn(gatehouse, party, await createPerson(gatehouse));
      await rotate('now', 'ES256');
      await gatehouse.advance('40s');
    }
    collectGarbage();
    const left = gone.filter((each) => each.deref() !== undefined);
    // The last request may still be held by its connection.
    expect(left.length).to.be.at.most(2);
  });

  it('a start rotates nothing, at whatever time', async () => {
    await gatehouse.advance('399d');
    await gatehouse.pause();
    await open();
    expect(await kidsAt(gatehouse.url)).to.deep.equal(before);
    expect(await signers()).to.deep.equal(before);
  });

  it('keys of an earlier release go on signing', async () => {
    const knex = openKnex(database);
    await down(knex);
    await up(knex);
    await knex.destroy();
    await gatehouse.pause();
    await open();
    expect(await signers()).to.deep.equal(before);
    for (const { createdAt, signsFrom } of await gatehouse.core.keys.list()) {
      expect(signsFrom).to.equal(createdAt);
    }
    const made = await rotate();
    expect(await signers()).to.deep.equal(before);
    await gatehouse.advance('15m');
    expect(await signers()).to.deep.equal(made);
  });

  it('an earlier release finds keys that it can open', async () => {
    const made = await rotate();
    await gatehouse.advance('3h');
    const knex = openKnex(database);
    await down(knex);
    const left = await knex('signing_keys').select('kid', 'sealed_jwk');
    await up(knex);
    await knex.destroy();
    expect(left.map(({ kid }) => kid)).to.have.members(made);
    for (const { sealed_jwk: sealed } of left) expect(sealed).not.to.equal('');
  });

  it('new keys that wait are refused company, unless it is urgent', async () => {
    const waiting = await rotate('planned', 'ES256');
    const again = await gatehouse.core.keys.rotate({ urgency: 'planned' }).catch((error) => error);
    expect(again).to.include({ code: 'key_waiting' });
    expect(again.message).to.match(/^A new ES256 key is waiting already: it signs from \d{4}-/);
    expect(await kidsAt(gatehouse.url)).to.have.members([...before, ...waiting]);
    const [urgent] = await rotate('now', 'ES256');
    expect(kidOf(await issue('ES256')), 'not before all publish it').to.equal(before[1]);
    await gatehouse.advance('40s');
    expect(kidOf(await issue('ES256'))).to.equal(urgent);
    await gatehouse.advance('20m');
    expect(kidOf(await issue('ES256')), 'the one that had waited stays unused').to.equal(urgent);
    expect((await statesOf())[waiting[0] ?? '']).to.equal('verifying');
  });

  it('compromised keys are gone at once, with all that they have signed', async () => {
    const [token, longAgo] = [await issue(), await rotate()];
    await gatehouse.advance('3h');
    expect(await signers()).to.deep.equal(longAgo);
    await rotate();
    const made = await rotate('compromised');
    expect(await kidsAt(gatehouse.url)).to.deep.equal(made);
    expect(await signers()).to.deep.equal(made);
    expect(await isRefused(verify(token))).to.equal(true);
    expect(Object.keys(await statesOf())).to.have.members(made);
    const rows = await auditRows(gatehouse, { kind: 'admin.key_retired' });
    const reasons = rows.map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === 'compromised')).to.have.length(6);
    expect(reasons).to.have.length(9);
  });

  describe('ID tokens of a retired key, as hints', () => {
    let party: RelyingParty;
    let idToken: string;
    let web: ReturnType<typeof createWeb>;
    beforeEach(async () => {
      party = await createRelyingParty(gatehouse);
      const signedIn = await signIn(gatehouse, party, await createPerson(gatehouse));
      web = signedIn.web;
      idToken = signedIn.tokens.id_token ?? '';
      await rotate();
      await gatehouse.advance('3h');
      expect(await kidsAt(gatehouse.url)).not.to.include(kidOf(idToken));
    });

    const signOut = (hint: string) => {
      const back = { post_logout_redirect_uri: 'https://app.example.com/' };
      const query = new URLSearchParams({ id_token_hint: hint, ...back });
      return web.get(`${gatehouse.url}/sign-out?${query}`);
    };

    it('still sign people out', async () => {
      const page = await signOut(idToken);
      expect(titleOf(page)).to.equal('Sign out');
      const back = await web.submit(page, '/confirm', { logout: 'yes' });
      expect(back.url.href).to.equal('https://app.example.com/');
    });

    it('still say who is meant', async () => {
      const silent = party.url({ prompt: 'none', id_token_hint: idToken });
      codeOf(await web.get(silent.url));
      const other = await signIn(gatehouse, party, await createPerson(gatehouse));
      const wrong = await other.web.get(party.url({ prompt: 'none', id_token_hint: idToken }).url);
      expect(wrong.url.searchParams.get('error')).to.equal('login_required');
    });

    it('must be what the key has signed', async () => {
      const [header, payload, signature = ''] = idToken.split('.');
      const claims = { ...decodeJwt(idToken), sub: 'somebody-else' };
      const changed = Buffer.from(JSON.stringify(claims)).toString('base64url');
      const forged = `${header}.${changed}.${signature}`;
      const unsigned = `${header}.${payload}.${signature.slice(4)}AAAA`;
      for (const hint of [forged, unsigned]) {
        const page = await signOut(hint);
        expect([page.url.href, titleOf(page)]).to.deep.equal([
          `${gatehouse.url}/sign-out`,
          'Sign out',
        ]);
      }
    });
  });
});

function openKnex({ url, dataDir }: TestDatabase) {
  const filename = join(dataDir, 'gatehouse.sqlite');
  const options = { useNullAsDefault: true, pool: { min: 1, max: 1 } };
  return url
    ? knexModule({ ...options, client: 'pg', connection: url })
    : knexModule({ ...options, client: 'better-sqlite3', connection: { filename } });
}

/** A relying party that takes logout tokens, and answers each with the status of its turn. */
async function startReceiver(statuses: readonly number[]) {
  const received: string[] = [];
  const receiver = createServer(async (request, response) => {
    received.push(new URLSearchParams(await text(request)).get('logout_token') ?? '');
    response.writeHead(statuses[received.length - 1] ?? 200).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const metadata = { backchannel_logout_uri: `http://127.0.0.1:${port}/logout` };
  return { receiver, received, metadata };
}

/** Holds what is read next from the store, until it is released. */
function holdReads({ core: { store } }: Gatehouse) {
  const { find } = store;
  let reach = () => {};
  let release = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holding: typeof find = async (statement) => {
    if (!/oidc_artifacts/.test(statement.sql)) return find(statement);
    Object.assign(store, { find });
    reach();
    await released;
    return find(statement);
  };
  Object.assign(store, { find: holding });
  return { reached, release: () => release() };
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
