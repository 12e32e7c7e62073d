// Every trace code that somebody is shown leads to a line of the log, and every refused client to its cause.
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { nowSeconds } from '../../src/lib/clock.ts';
import { refused } from '../cli/helpers.ts';
import { untilTold } from '../support/audit.ts';
import { environment, freePort } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';
import { startUnknownAuthority } from '../support/unknown-authority.ts';
import { createWeb, type Page } from '../support/web.ts';

interface Line {
  readonly trace?: string;
  readonly error?: string;
  readonly reason?: string;
  readonly client?: string;
  readonly path?: string;
  readonly status?: number;
  readonly msg: string;
}

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };

describe('refused requests in the log', () => {
  let database: TestDatabase;
  let core: Core;
  let running: GatehouseProcess;
  let party: RelyingParty;

  before(async () => {
    database = await SQLITE.createMigrated();
    const port = await freePort();
    running = await startProcess({ database, port, env: { LOG_LEVEL: 'info' } });
    core = await openCore(loadConfig(environment(database, port)));
    party = await createRelyingParty({ core, url: running.url });
  });
  after(async () => {
    await core.close();
    await running.stop();
    database.remove();
  });

  const lines = (): string[] =>
    running
      .output()
      .split('\n')
      .filter((line) => line[0] === '{');
  /** The line, once it has been read from the process. */
  const lineOf = async (is: (line: Line) => boolean): Promise<Line> => {
    for (let tries = 0; tries < 500; tries += 1) {
      const text = lines().find((line) => is(JSON.parse(line)));
      if (text) {
        expect(Buffer.byteLength(text), text).to.be.below(300);
        return JSON.parse(text);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no such line:\n${lines().slice(-10).join('\n')}`);
  };
  const traceOn = ({ text }: Pick<Page, 'text'>): string => {
    const [, trace = ''] = /(?:<code>|"trace":")([0-9A-Z]{10})/.exec(text) ?? [];
    expect(trace, text).to.have.length(10);
    return trace;
  };
  const ofTrace = (trace: string) =>
    lineOf((line) => line.trace === trace && line.msg === 'request refused');
  const get = (path: string, headers = {}) =>
    createWeb(running.url).once(new URL(path, running.url), { headers });
  const post = async (path: string, fields: Record<string, string>, headers = {}) => {
    const init = { method: 'POST', headers, body: new URLSearchParams(fields) };
    const answer = await fetch(`${running.url}${path}`, init);
    return { status: answer.status, text: await answer.text() };
  };

  const pages: ReadonlyArray<readonly [says: string, path: () => string, line: object]> = [
    [
      'an application that does not exist',
      () => party.url({ client_id: 'app_unknown' }).url,
      { error: 'invalid_client', client: 'app_unknown' },
    ],
    [
      'a return address that is not registered',
      () => party.url({ redirect_uri: 'https://example.net/' }).url,
      { error: 'invalid_redirect_uri' },
    ],
    ['a sign-in that does not exist', () => '/sign-in/nowhere', { error: 'flow_expired' }],
    ['a page that does not exist', () => '/nowhere', { error: 'not_found', path: '/nowhere' }],
    [
      'an authorization request that is too large',
      () => party.url({ state: 's'.repeat(9000) }).url,
      { error: 'authorization_request_too_large', status: 400 },
    ],
  ];
  for (const [says, path, line] of pages) {
    it(`the page about ${says} has its line`, async () => {
      const page = await get(path());
      expect(page.status).to.be.within(400, 499);
      expect(await ofTrace(traceOn(page))).to.deep.include(line);
    });
  }

  it('an authorization request that goes back with an error has one, too', async () => {
    const back = await get(party.url({ scope: 'openid', prompt: 'none' }).url);
    expect(back.headers.get('location')).to.include('error=login_required');
    const line = await lineOf(({ error }) => error === 'login_required');
    expect(line).to.include({ client: party.id, status: 303 });
    expect(line.trace).to.have.length(10);
  });

  it('an answer in JSON has one, without what was sent', async () => {
    const secret = 'a-code-that-was-sent';
    const fields = { grant_type: 'authorization_code', code: secret, redirect_uri: 'https://x' };
    const authorization = `Basic ${btoa(`${party.id}:${party.secret}`)}`;
    const answer = await post('/token', fields, { authorization });
    expect(await ofTrace(traceOn(answer))).to.include({ client: party.id, status: 400 });
    const login = await fetch(`${running.url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Basic x' },
      body: JSON.stringify({ email: 'x@example.com', password: secret }),
    });
    const line = await ofTrace(traceOn({ text: await login.text() }));
    expect(line.path ?? line.client).to.be.a('string');
    expect(running.output()).not.to.include(secret);
  });

  it('a hundred of them make some lines, and a name that is sent cannot break one', async () => {
    const before = lines().length;
    const client = '"}\\u0000\n{"level":60,"msg":"forged"}é'.repeat(5);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        Array.from({ length: 20 }, () => get(party.url({ client_id: client }).url)),
      );
    }
    const [, ...more] = lines().slice(before);
    expect(more.length).to.be.within(1, 60);
    for (const line of more) {
      expect(JSON.parse(line).msg).not.to.equal('forged');
      expect(Buffer.byteLength(line)).to.be.below(300);
    }
  });

  it('a code that nothing was recorded under: the command says where to look', async () => {
    const trace = traceOn(await get('/nowhere'));
    const why = await refused(['explain', trace], { database });
    expect(why).to.match(new RegExp(`^Nothing was recorded under the trace code ${trace}\\.`));
    expect(why).to.include('in the server log');
  });

  describe('a client that does not show who it is leaves the cause', () => {
    const refusedFor = async (metadata: object) => {
      const all = { ...MACHINE, token_endpoint_auth_method: 'private_key_jwt', ...metadata };
      const { client } = await core.clients.create({ client_name: 'Machine', ...all });
      const { privateKey } = await generateKeyPair('RS256');
      const times = { jti: randomUUID(), exp: nowSeconds() + 60 };
      const claims = { iss: client.id, sub: client.id, aud: running.url, ...times };
      const header = { alg: 'RS256', kid: 'x' };
      const client_assertion = await new SignJWT(claims)
        .setProtectedHeader(header)
        .sign(privateKey);
      const proof = { client_assertion, client_assertion_type: ASSERTION };
      const answer = await post('/token', { grant_type: 'client_credentials', ...proof });
      expect(answer.status).to.equal(401);
      const rows = await untilTold({ core }, { kind: 'client.refused' }, 1);
      const row = rows.find(({ clientId }) => clientId === client.id);
      expect(row?.detail.endpoint).to.equal('token');
      expect(row?.trace).to.equal(traceOn(answer));
      expect((await ofTrace(traceOn(answer))).client).to.equal(client.id);
      const ofClient = rows.filter(({ clientId }) => clientId === client.id);
      expect(ofClient, 'one event').to.have.length(1);
      return `${row?.reason}: ${row?.detail.cause}`;
    };
    const keyFor = async () => {
      const { publicKey } = await generateKeyPair('RS256', { extractable: true });
      return { ...(await exportJWK(publicKey)), kid: 'x', alg: 'RS256' };
    };

    it('a wrong secret', async () => {
      await post(
        '/introspect',
        { token: 'x' },
        { authorization: `Basic ${btoa(`${party.id}:x`)}` },
      );
      const rows = await untilTold({ core }, { kind: 'client.refused' }, 1);
      const own = rows.filter(({ clientId }) => clientId === party.id);
      expect(own.map(({ reason }) => reason)).to.deep.equal(['wrong secret']);
      expect(own[0]?.detail).to.deep.equal({ endpoint: 'introspection' });
    });

    it('a signature of another key', async () => {
      expect(await refusedFor({ jwks: { keys: [await keyFor()] } })).to.match(/signature/);
    });

    it('keys that cannot be fetched: nobody listens there', async () => {
      const jwks_uri = `http://localhost:${await freePort()}/keys`;
      expect(await refusedFor({ jwks_uri })).to.match(/^keys not loaded: .*ECONNREFUSED/);
    });

    it('keys that cannot be fetched: an authority that nobody knows', async () => {
      const server = await startUnknownAuthority('{"keys":[]}');
      const { port } = server.address() as AddressInfo;
      const asked = refusedFor({ jwks_uri: `https://localhost:${port}/keys` });
      const reason = await asked.finally(() => server.close());
      expect(reason).to.match(/^keys not loaded: .*SELF_SIGNED_CERT/);
    });
  });
});
