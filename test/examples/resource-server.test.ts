// The example of a resource server, beside a Gatehouse whose keys change.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createApi } from '../../examples/resource-server/api.ts';
import { startExample } from '../support/examples.ts';
import { freePort, type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { kidOf, kidsAt } from '../support/signing.ts';
import { SQLITE } from '../support/stores.ts';

const OTHER = 'https://other.example.com';
const SCOPES = ['orders:read', 'orders:write'];

describe('the example of a resource server', () => {
  let gatehouse: Gatehouse;
  let server: Server;
  let url: string;
  let robot: RelyingParty;
  const lines: string[] = [];

  before(async () => {
    const [database, port] = [await SQLITE.createMigrated(), await freePort()];
    const issuer = `http://localhost:${port}`;
    const file = join(database.dataDir, 'resources.json');
    const resources = [`${issuer}/api`, OTHER].map((identifier) => ({
      identifier,
      scopes: SCOPES,
    }));
    writeFileSync(file, JSON.stringify({ resources, ...WITHOUT_FACTOR }));
    gatehouse = await startGatehouse({ database, port, env: { GATEHOUSE_CONFIG: file } });
    const metadata = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
    robot = await createRelyingParty(gatehouse, { metadata });
    server = createServer((request, response) => answer(request, response));
    url = await listen(server);
    const log = (line: string) => lines.push(line);
    const audience = `${issuer}/api`;
    const answer = createApi({
      issuer,
      audience,
      algorithm: 'RS256',
      baseUrl: url,
      log,
    }).callback();
  });
  after(async () => {
    close(server);
    await gatehouse.stop();
  });
  beforeEach(() => lines.splice(0));

  const tokenFor = async (scope: string, more: Record<string, string> = {}, headers = {}) => {
    const credentials = Buffer.from(`${robot.id}:${robot.secret}`).toString('base64');
    const response = await fetch(`${gatehouse.url}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}`, ...headers },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope, ...more }),
    });
    return String(((await response.json()) as { access_token: string }).access_token);
  };
  const call = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(`${url}${path}`, { method, headers });
    const challenges = response.headers.get('www-authenticate') ?? '';
    return { status: response.status, challenges, body: await response.json() };
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('lets a token pass that holds the scope', async () => {
    const token = await tokenFor('orders:read');
    const { status, body } = await call('/orders', bearer(token));
    expect(status).to.equal(200);
    expect(body).to.have.property('orders');
    expect(lines).to.deep.equal([`GET /orders 200 for ${robot.id} by ${robot.id}`]);
    const both = await tokenFor('orders:read orders:write');
    expect((await call('/orders', bearer(both), 'POST')).status).to.equal(201);
  });

  it('says which scope is missing', async () => {
    const token = await tokenFor('orders:read');
    const { status, challenges, body } = await call('/orders', bearer(token), 'POST');
    expect(status).to.equal(403);
    expect(body).to.deep.equal({ error: 'insufficient_scope' });
    expect(challenges).to.match(
      /^Bearer realm="orders", error="insufficient_scope", scope="orders:read orders:write"/,
    );
    expect((await call('/orders', bearer(await tokenFor('')))).status).to.equal(403);
    expect((await call('/whoami', bearer(await tokenFor('')))).status).to.equal(200);
  });

  it('asks for a token where none is sent, and names no error', async () => {
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: 'Bearer' }]) {
      const { status, challenges } = await call('/orders', headers);
      expect(status).to.equal(401);
      expect(challenges).to.match(/^Bearer realm="orders", DPoP algs="ES256/);
      expect(challenges).not.to.include('error');
    }
    const token = await tokenFor('orders:read');
    expect((await call(`/orders?access_token=${token}`)).status).to.equal(401);
    expect((await call('/health')).status).to.equal(200);
  });

  it('refuses what is no access token for it', async () => {
    const app = await createRelyingParty(gatehouse);
    const { tokens } = await signIn(gatehouse, app, await createPerson(gatehouse));
    const good = await tokenFor('orders:read');
    const [header, payload, signature = ''] = good.split('.');
    const bad: Record<string, string> = {
      'an ID token': tokens.id_token ?? '',
      'an opaque token': tokens.access_token,
      'a token for another API': await tokenFor('orders:read', { resource: OTHER }),
      'a changed signature': `${header}.${payload}.${signature.slice(4)}AAAA`,
      'no signature': `${header}.${payload}.`,
      'one of its own making': await forge(good),
    };
    for (const [what, token] of Object.entries(bad)) {
      const { status, challenges, body } = await call('/orders', bearer(token));
      expect(status, what).to.equal(401);
      expect(challenges, what).to.match(/^Bearer realm="orders", error="invalid_token"/);
      expect(body, what).to.deep.equal({ error: 'invalid_token' });
    }
    expect(lines).to.have.length(Object.keys(bad).length);
    for (const line of lines)
      expect(line)
        .to.match(/^GET \/orders 401 .{5,}/)
        .and.not.include('eyJ');
  });

  it('refuses what Gatehouse itself has signed, if it is not just that', async () => {
    const { published } = await gatehouse.core.keys.load();
    const claims = { ...decodeJwt(await tokenFor('orders:read')), jti: 'made' };
    const sign = async (
      change: Record<string, unknown>,
      { alg = 'RS256', typ = 'at+jwt' } = {},
    ) => {
      const jwk = published.find((key) => key.alg === alg) ?? {};
      return new SignJWT({ ...claims, ...change })
        .setProtectedHeader({ alg, typ, kid: jwk.kid ?? '' })
        .sign(jwk);
    };
    expect((await call('/orders', bearer(await sign({})))).status).to.equal(200);
    const bad = {
      'another type': await sign({}, { typ: 'JWT' }),
      'another algorithm': await sign({}, { alg: 'ES256' }),
      'another issuer': await sign({ iss: OTHER }),
      'another audience': await sign({ aud: OTHER }),
      'no client': await sign({ client_id: undefined }),
      'no end': await sign({ exp: undefined }),
      'another kind of binding': await sign({ cnf: { 'x5t#S256': 'x' } }),
    };
    for (const [what, token] of Object.entries(bad)) {
      expect((await call('/orders', bearer(token))).status, what).to.equal(401);
    }
  });

  it('refuses a token that has run out', async () => {
    const token = await tokenFor('orders:read');
    await gatehouse.advance('14m');
    expect((await call('/orders', bearer(token))).status).to.equal(200);
    await gatehouse.advance('2m');
    expect((await call('/orders', bearer(token))).status).to.equal(401);
    expect(lines.at(-1)).to.include('exp');
  });

  describe('tokens that are bound to a key', () => {
    type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
    let pair: Pair;
    let token: string;
    beforeEach(async () => {
      pair = await generateKeyPair('ES256');
      const made = await prove(pair, { htm: 'POST', htu: `${gatehouse.url}/token` });
      token = await tokenFor('orders:read', {}, { DPoP: made });
    });

    const ath = () => createHash('sha256').update(token).digest('base64url');
    const send = async (proof: string) =>
      call('/orders', { authorization: `DPoP ${token}`, dpop: proof });
    const claims = () => ({ htm: 'GET', htu: `${url}/orders`, ath: ath() });

    it('pass with a proof, which works once', async () => {
      const proof = await prove(pair, claims());
      expect((await send(proof)).status).to.equal(200);
      const again = await send(proof);
      expect(again.status).to.equal(401);
      expect(again.challenges).to.include('error="invalid_dpop_proof"');
      expect(lines.at(-1)).to.include('sent before');
    });

    it('are worth nothing without one', async () => {
      const plain = await call('/orders', bearer(token));
      expect(plain.status).to.equal(401);
      expect(plain.challenges).to.include('error="invalid_token"');
      expect((await call('/orders', { authorization: `DPoP ${token}` })).status).to.equal(401);
    });

    it('want a proof of this key for this token and this request, and a fresh one', async () => {
      const stranger = await generateKeyPair('ES256');
      const old = Math.floor(Date.now() / 1000) - 120;
      const wrong = {
        'another key': await prove(stranger, claims()),
        'another token': await prove(pair, { ...claims(), ath: 'x'.repeat(43) }),
        'no token': await prove(pair, { htm: 'GET', htu: `${url}/orders` }),
        'another method': await prove(pair, { ...claims(), htm: 'POST' }),
        'another address': await prove(pair, { ...claims(), htu: `${url}/whoami` }),
        'an old one': await prove(pair, { ...claims(), iat: old }),
        'another kind': await prove(pair, claims(), 'jwt'),
      };
      for (const [what, proof] of Object.entries(wrong)) {
        expect((await send(proof)).status, what).to.equal(401);
      }
    });

    it('a proof does not stand in for a binding', async () => {
      const free = await tokenFor('orders:read');
      const digest = createHash('sha256').update(free).digest('base64url');
      const proof = await prove(pair, { ...claims(), ath: digest });
      const headers = { authorization: `DPoP ${free}`, dpop: proof };
      expect((await call('/orders', headers)).status).to.equal(401);
    });
  });

  it('goes on when the keys of Gatehouse change, and forgets the old ones', async () => {
    const [old] = await kidsAt(gatehouse.url);
    const [made] = await gatehouse.core.keys.rotate({ urgency: 'planned' });
    await gatehouse.core.renewKeys();
    const seen = new Set<string>();
    let last = '';
    for (let minutes = 0; minutes < 40; minutes += 2) {
      const token = await tokenFor('orders:read');
      expect((await call('/orders', bearer(token))).status, `after ${minutes}`).to.equal(200);
      if (last) expect((await call('/orders', bearer(last))).status).to.equal(200);
      seen.add(kidOf(token));
      last = token;
      await gatehouse.advance('2m');
    }
    expect([...seen]).to.deep.equal([old, made?.kid]);
    await gatehouse.core.keys.rotate({ urgency: 'compromised' });
    await gatehouse.core.renewKeys();
    await gatehouse.advance('10m');
    expect((await call('/orders', bearer(last))).status).to.equal(401);
    expect((await call('/orders', bearer(await tokenFor('orders:read')))).status).to.equal(200);
  });

  describe('does not blame the token', () => {
    const callAway = async (issuer: string) => {
      const options = { audience: 'x', algorithm: 'RS256', baseUrl: url, log: () => {} };
      const alone = createServer(createApi({ issuer, ...options }).callback());
      const response = await fetch(`${await listen(alone)}/orders`, {
        headers: bearer(await tokenFor('orders:read')),
      });
      close(alone);
      return response;
    };

    it('where Gatehouse cannot be reached', async () => {
      const response = await callAway(`http://localhost:${await freePort()}`);
      expect(response.status).to.equal(503);
      expect(response.headers.get('retry-after')).to.equal('5');
    });

    it('where the keys cannot be loaded', async () => {
      for (const broken of ['', '{', '{"keys": 1}']) {
        const issuer: Server = createServer((request, response) => {
          const metadata = { issuer: at, jwks_uri: `${at}/jwks` };
          if (request.url !== '/jwks') return response.end(JSON.stringify(metadata));
          return response.writeHead(broken ? 200 : 500).end(broken);
        });
        const at = await listen(issuer);
        const { status } = await callAway(at);
        close(issuer);
        expect(status, broken).to.equal(503);
      }
    });
  });

  it('starts as its README says, and stops when told', async () => {
    const port = String(await freePort());
    const env = { ISSUER: gatehouse.url, PORT: port };
    const example = startExample('resource-server/server.ts', [], env);
    const [said] = await example.until(/.*\n/);
    expect(said).to.equal(
      `The API listens on http://localhost:${port}, for tokens of ${gatehouse.url} for ${gatehouse.url}/api\n`,
    );
    const answer = await fetch(`http://127.0.0.1:${port}/orders`);
    await answer.body?.cancel();
    expect(answer.status).to.equal(401);
    expect(await example.end('SIGTERM')).to.equal(0);
  });
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}

type Key = Awaited<ReturnType<typeof generateKeyPair>>;

async function prove({ privateKey, publicKey }: Key, claims: JWTPayload, typ = 'dpop+jwt') {
  const jwk = await exportJWK(publicKey);
  return new SignJWT({ iat: Math.floor(Date.now() / 1000), jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ, jwk })
    .sign(privateKey);
}

/** The same claims under the same kid, signed by somebody else. */
async function forge(token: string): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256');
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: kidOf(token) })
    .sign(privateKey);
}
