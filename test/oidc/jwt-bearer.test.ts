// The tokens of service accounts: for whom, for which API, with which scopes, bound to which key.
import { expect } from 'chai';
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose';
import Provider from 'oidc-provider';
import { createServiceAccountTable } from '../../src/service-accounts/table.ts';
import { auditRows, auditText } from '../support/audit.ts';
import {
  API,
  assertionOf,
  createMachine,
  ES256_API,
  JWT_BEARER,
  type Machine,
  OPAQUE_API,
  postForm,
  present,
  WITH_RESOURCES,
} from '../support/machine.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { type Answer, createRelyingParty } from '../support/relying-party.ts';
import { expectLifetime } from '../support/signing.ts';
import { onOneStoreExcept } from '../support/stores.ts';

const REFUSED = { error: 'invalid_grant', error_description: 'grant request is invalid' };

function expectRefused({ status, body: { trace: _, ...body } }: Answer): void {
  expect(body).to.deep.equal(REFUSED);
  expect(status).to.equal(400);
}

onOneStoreExcept(/what ends|any node/, 'tokens of service accounts', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, WITH_RESOURCES);
  });
  after(() => pair.stop());

  const ask = (machine: Machine, fields = {}, headers = {}, at = pair.url) =>
    present(at, assertionOf(machine, pair.url), { fields, headers });
  const verify = async ({ body }: Answer, audience: string) => {
    const keys = createRemoteJWKSet(new URL(`${pair.url}/jwks`));
    const wanted = { issuer: pair.url, audience, typ: 'at+jwt' };
    return jwtVerify(String(body.access_token), keys, wanted);
  };
  const createApi = () =>
    createRelyingParty(pair, {
      metadata: {
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        resources: [OPAQUE_API],
      },
    });
  const rowsOf = async ({ id }: Machine) =>
    (await auditRows(pair, { accountId: id })).filter(
      ({ kind }) => kind === 'service_account.token',
    );

  it('discovery names the grant', async () => {
    const found = await fetch(`${pair.url}/.well-known/openid-configuration`);
    const { grant_types_supported: grants } = (await found.json()) as Record<string, string[]>;
    expect(grants).to.include(JWT_BEARER);
  });

  for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    it(`${alg}: a JWT as RFC 9068 has it, and nothing else`, async () => {
      const machine = await createMachine(pair, { alg });
      const answer = await ask(machine, { resource: API });
      const { access_token: token, ...rest } = answer.body;
      expect(rest).to.deep.equal({ token_type: 'Bearer', expires_in: 900, scope: 'read write' });
      expect(answer.headers.get('cache-control')).to.include('no-store');
      const { payload } = await verify(answer, API);
      expectLifetime(payload, 900);
      const { iat: _iat, exp: _exp, jti, ...claims } = payload;
      expect(jti).to.be.a('string');
      expect(claims).to.deep.equal({
        iss: pair.url,
        aud: API,
        sub: machine.id,
        client_id: machine.id,
        scope: 'read write',
      });
      expect(await auditText(pair)).not.to.include(String(token));
    });
  }

  for (const where of ['', '/token', '/v1/auth/service-account/token']) {
    it(`aud may be the issuer${where && ` followed by ${where}`}`, async () => {
      const machine = await createMachine(pair);
      const assertion = assertionOf(machine, `${pair.url}${where}`);
      expect((await present(pair.url, assertion)).status).to.equal(200);
    });
  }

  it('takes the times that a slow and a fast clock make', async () => {
    const machine = await createMachine(pair);
    const at = Math.floor(Date.now() / 1000);
    for (const times of [
      { iat: at - 80, exp: at - 20 },
      { iat: at + 20, exp: at + 320 },
      { iat: at, exp: at + 300, nbf: at + 20 },
      { iat: at - 500, exp: at + 5 },
    ]) {
      const answer = await present(pair.url, assertionOf(machine, pair.url, times));
      expect(answer.status, JSON.stringify(times)).to.equal(200);
    }
  });

  it('takes claims that mean nothing here, and a client_id that is the account', async () => {
    const machine = await createMachine(pair);
    const assertion = assertionOf(machine, pair.url, { amr: ['x'], nested: { a: [1] } });
    const fields = { client_id: machine.id };
    expect((await present(pair.url, assertion, { fields })).status).to.equal(200);
  });

  it('takes parameters without a value for such as were left out (RFC 6749, 3.2)', async () => {
    const machine = await createMachine(pair);
    for (const name of ['client_id', 'client_secret', 'mfa_code', 'scope', 'resource']) {
      const { status, body } = await ask(machine, { [name]: '' });
      expect(status, `${name}: ${JSON.stringify(body)}`).to.equal(200);
    }
  });

  it('takes a form whose charset is spelt out, and one that comes in pieces', async () => {
    const machine = await createMachine(pair);
    const type = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' };
    const answer = await ask(machine, {}, type);
    expect(answer.status).to.equal(200);
    const fields = { grant_type: JWT_BEARER, assertion: assertionOf(machine, pair.url) };
    const body = new URLSearchParams(fields).toString();
    const pieces = new ReadableStream({
      start(controller) {
        for (const piece of body.match(/.{1,50}/g) ?? []) controller.enqueue(Buffer.from(piece));
        controller.close();
      },
    });
    const init = { method: 'POST', body: pieces, headers: type, duplex: 'half' } as RequestInit;
    expect((await fetch(`${pair.url}/token`, init)).status).to.equal(200);
  });

  it('leaves everybody else at the token endpoint as they were', async () => {
    const metadata = { token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] };
    const party = await createRelyingParty(pair, { metadata });
    const { status, body } = await party.token({
      grant_type: 'authorization_code',
      code: 'x',
      redirect_uri: 'x',
      code_verifier: 'x'.repeat(43),
    });
    expect([status, body.error]).to.deep.equal([400, 'invalid_grant']);
    const none = await postForm(pair.url, 'grant_type=refresh_token&refresh_token=x');
    expect(none.body.error).to.equal('invalid_request');
    expect((await postForm(pair.url, '')).body.error).to.equal('invalid_request');
  });

  describe('resources and scopes', () => {
    it('our own API where none is named, and where that is allowed', async () => {
      const machine = await createMachine(pair, { scopes: [] });
      const answer = await ask(machine);
      const { payload } = await verify(answer, `${pair.url}/api`);
      expect(payload).not.to.have.property('scope');
      expect(answer.body).not.to.have.property('scope');
    });

    it('else the only one, else one has to be named', async () => {
      const one = await createMachine(pair, { resources: [ES256_API] });
      const { protectedHeader } = await verify(await ask(one), ES256_API);
      expect(protectedHeader.alg).to.equal('ES256');
      const two = await createMachine(pair, { resources: [ES256_API, API] });
      const { status, body } = await ask(two);
      expect([status, body.error]).to.deep.equal([400, 'invalid_target']);
      await verify(await ask(two, { resource: API }), API);
    });

    for (const [what, resource] of [
      ['that exists and is not its own', ES256_API],
      ['that does not exist', 'https://nowhere.example.com'],
      ['that differs by a slash', `${API}/`],
      ['that is no URI', 'nonsense'],
    ] as const) {
      it(`refuses a resource ${what}, and takes the same assertion for its own`, async () => {
        const machine = await createMachine(pair);
        const assertion = assertionOf(machine, pair.url);
        const { status, body } = await present(pair.url, assertion, { fields: { resource } });
        expect([status, body.error]).to.deep.equal([400, 'invalid_target']);
        expect((await present(pair.url, assertion, { fields: { resource: API } })).status).to.equal(
          200,
        );
        const [refused, ok] = await rowsOf(machine);
        expect(refused).to.include({ outcome: 'refused', reason: 'the resource is not allowed' });
        expect(ok?.outcome).to.equal('ok');
      });
    }

    it('a resource that is no longer configured is none', async () => {
      const machine = await createMachine(pair, { resources: ['https://gone.example.com'] });
      const { body } = await ask(machine);
      expect(body.error).to.equal('invalid_target');
    });

    it('fewer scopes than it is allowed, and never more', async () => {
      const machine = await createMachine(pair);
      const { payload } = await verify(await ask(machine, { resource: API, scope: 'read' }), API);
      expect(payload.scope).to.equal('read');
      for (const scope of [
        'admin',
        'read admin',
        'openid',
        'offline_access',
        'READ',
        'read\u00a0',
      ]) {
        const { status, body } = await ask(machine, { resource: API, scope });
        expect([status, body.error], scope).to.deep.equal([400, 'invalid_scope']);
      }
      const elsewhere = await ask(machine, { scope: 'read' });
      expect(elsewhere.body.error, 'of another resource').to.equal('invalid_scope');
    });

    it('an opaque token is told by introspection, until the account is disabled', async () => {
      const machine = await createMachine(pair, { resources: [OPAQUE_API] });
      const token = String((await ask(machine)).body.access_token);
      expect(token.split('.')).to.have.length(1);
      const api = await createApi();
      const told = await api.introspect(token);
      expect(told.body).to.deep.include({
        active: true,
        client_id: machine.id,
        aud: OPAQUE_API,
        scope: 'read',
      });
      expect((await api.userinfo(token)).status).to.equal(401);
      const { store: database } = pair.core;
      await database.write(
        createServiceAccountTable(database).setStatus(machine.id, 'disabled', Date.now()),
      );
      expect((await api.introspect(token)).body).to.deep.equal({ active: false });
    });
  });

  describe('DPoP', () => {
    const proofs = async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      const jwk = await exportJWK(publicKey);
      const make = (more = {}, key = privateKey) =>
        new SignJWT({ htm: 'POST', htu: `${pair.url}/token`, jti: crypto.randomUUID(), ...more })
          .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
          .setIssuedAt()
          .sign(key);
      return { make, jkt: await calculateJwkThumbprint(jwk) };
    };

    it('binds the token to the key of the proof', async () => {
      const machine = await createMachine(pair);
      const { make, jkt } = await proofs();
      const answer = await ask(machine, {}, { dpop: await make() });
      expect(answer.body.token_type).to.equal('DPoP');
      const { payload } = await verify(answer, `${pair.url}/api`);
      expect(payload.cnf).to.deep.equal({ jkt });
      const [row] = await rowsOf(machine);
      expect(row?.detail).to.include({ jkt });
    });

    it('a proof that is bad brings no token, and costs the assertion', async () => {
      const machine = await createMachine(pair);
      const { make } = await proofs();
      const { privateKey: other } = await generateKeyPair('ES256');
      for (const proof of [
        await make({ htu: `${pair.url}/userinfo` }),
        await make({ htm: 'GET' }),
        await make({}, other),
        'nonsense',
      ]) {
        const assertion = assertionOf(machine, pair.url);
        const { status, body } = await present(pair.url, assertion, { headers: { dpop: proof } });
        expect([status, body.error]).to.deep.equal([400, 'invalid_dpop_proof']);
        expectRefused(await present(pair.url, assertion));
      }
      const rows = await rowsOf(machine);
      expect(rows.filter(({ outcome }) => outcome === 'ok')).to.deep.equal([]);
      expect(rows[0]).to.include({ reason: 'no token: invalid_dpop_proof' });
    });

    it('a proof is used once, on any node', async () => {
      const machine = await createMachine(pair);
      const dpop = await (await proofs()).make();
      expect((await ask(machine, {}, { dpop })).status).to.equal(200);
      for (const { url } of pair.processes) {
        expectRefused(await ask(machine, {}, { dpop }, url));
      }
    });
  });

  describe('what ends an account or a key counts at once, on the other node', () => {
    const elsewhere = (machine: Machine) => ask(machine, {}, {}, pair.processes[1].url);
    const tables = () => createServiceAccountTable(pair.core.store);

    it('disabled, and enabled again', async () => {
      const machine = await createMachine(pair);
      expect((await elsewhere(machine)).status).to.equal(200);
      await pair.core.store.write(tables().setStatus(machine.id, 'disabled', Date.now()));
      expectRefused(await elsewhere(machine));
      await pair.core.store.write(tables().setStatus(machine.id, 'active', Date.now()));
      expect((await elsewhere(machine)).status).to.equal(200);
      expect((await rowsOf(machine)).map(({ reason }) => reason)).to.deep.equal([
        undefined,
        'account disabled',
        undefined,
      ]);
    });

    it('deleted', async () => {
      const machine = await createMachine(pair);
      expect((await elsewhere(machine)).status).to.equal(200);
      await pair.core.store.write(tables().delete(machine.id));
      expectRefused(await elsewhere(machine));
    });

    it('a key revoked', async () => {
      const machine = await createMachine(pair);
      expect((await elsewhere(machine)).status).to.equal(200);
      await pair.core.store.write(tables().revokeKey(machine.id, machine.kid, Date.now()));
      expectRefused(await elsewhere(machine));
    });

    it('a key expired', async () => {
      const machine = await createMachine(pair, { expiresAt: Date.now() + 60_000 });
      expect((await elsewhere(machine)).status).to.equal(200);
      await pair.advance('61s');
      expectRefused(await elsewhere(machine));
      expect((await rowsOf(machine)).at(-1)?.reason).to.equal('key expired');
    });

    it('its use stands with the key', async () => {
      const machine = await createMachine(pair);
      expect((await tables().findKey(machine.id, machine.kid))?.usedAt).to.equal(undefined);
      await elsewhere(machine);
      expect((await tables().findKey(machine.id, machine.kid))?.usedAt).to.be.a('number');
    });
  });

  describe('what ends it ends every opaque token, also those that are being made', () => {
    const ENDS: Readonly<Record<string, (machine: Machine) => Promise<void>>> = {
      disabled: ({ id }) => pair.core.serviceAccounts.disable(id),
      'its key revoked': ({ id, kid }) => pair.core.serviceAccounts.revokeKey(id, kid),
      deleted: ({ id }) => pair.core.serviceAccounts.delete(id),
      'its codes reset': async ({ id }) => {
        await pair.core.serviceAccounts.resetTotp(id);
      },
      'its networks changed': ({ id }) =>
        pair.core.serviceAccounts.update(id, { addresses: ['192.0.2.0/24'] }),
    };
    for (const [what, end] of Object.entries(ENDS)) {
      it(what, async () => {
        const api = await createApi();
        let made = 0;
        for (let round = 0; round < 10; round += 1) {
          const machine = await createMachine(pair, { resources: [OPAQUE_API] });
          const asking = Array.from({ length: 10 }, (_, index) =>
            ask(machine, {}, {}, pair.processes[index % 2]?.url),
          );
          const first = await Promise.race(asking);
          const [answers] = await Promise.all([Promise.all(asking), end(machine)]);
          for (const { status, body } of [...answers, first]) {
            expect(status, JSON.stringify(body)).to.be.oneOf([200, 400]);
            if (status !== 200) expect(body).to.include(REFUSED);
            if (status !== 200) continue;
            made += 1;
            const told = await api.introspect(String(body.access_token));
            expect(told.body).to.deep.equal({ active: false });
          }
        }
        expect(made).to.be.greaterThan(0);
      });
    }
  });

  it('asks from its own networks only', async () => {
    const here = await createMachine(pair, { addresses: ['192.0.2.0/24', '127.0.0.0/8', '::1'] });
    expect((await ask(here)).status).to.equal(200);
    const away = await createMachine(pair, { addresses: ['192.0.2.0/24', '2001:db8::/32'] });
    expectRefused(await ask(away));
    expectRefused(await ask(away, {}, { 'x-forwarded-for': '192.0.2.1' }));
    expect((await rowsOf(away))[0]?.reason).to.equal('address not allowed');
  });

  it('the audit has what was issued: for which key, API and scopes', async () => {
    const machine = await createMachine(pair);
    await ask(machine, { resource: API });
    const [row, ...more] = await auditRows(pair, { accountId: machine.id });
    expect(more).to.deep.equal([]);
    expect(row).to.include({ kind: 'service_account.token', outcome: 'ok', actor: machine.id });
    expect(row?.detail).to.deep.equal({ kid: machine.kid, scope: 'read write', resource: API });
    expect(row?.trace).to.match(/^[0-9A-HJKMNP-TV-Z]{10}$/);
  });

  describe('no client can have the grant', () => {
    it('by registration', async () => {
      const metadata = { grant_types: [JWT_BEARER], redirect_uris: [], response_types: [] };
      const error = await createRelyingParty(pair, { metadata }).catch((thrown) => thrown);
      expect(error).to.include({ code: 'invalid_input' });
      expect(error.message).to.include('service accounts');
    });

    it('nor by a row that says so, with or without an assertion that is right', async () => {
      const machine = await createMachine(pair);
      const party = await createRelyingParty(pair);
      const { store: database } = pair.core;
      const stored = { grant_types: [JWT_BEARER], redirect_uris: [], response_types: [] };
      const row = { metadata: JSON.stringify(stored) };
      const query = database.sql('clients').where({ id: party.id }).update(row);
      await database.write(database.compile(query, 1));
      const assertion = assertionOf(machine, pair.url);
      for (const sent of [assertion, 'x']) {
        const { status, body } = await party.token({ grant_type: JWT_BEARER, assertion: sent });
        expect([status, body.error]).to.deep.equal([400, 'invalid_request']);
      }
      expect((await present(pair.url, assertion)).status, 'it was not spent').to.equal(200);
    });

    it('and no service account is a client anywhere else', async () => {
      const machine = await createMachine(pair);
      await ask(machine);
      for (const id of [machine.id, 'sa_unverified']) {
        const own = { client_id: id };
        for (const [path, fields] of [
          ['/token', { grant_type: 'client_credentials', ...own }],
          ['/token', { grant_type: 'refresh_token', refresh_token: 'x', ...own }],
          ['/introspect', { token: 'x', ...own }],
          ['/revoke', { token: 'x', ...own }],
          ['/par', { response_type: 'code', ...own }],
          ['/device/authorize', own],
        ] as const) {
          const body = new URLSearchParams(fields);
          const answer = await fetch(`${pair.url}${path}`, { method: 'POST', body });
          expect(answer.status, path).to.equal(401);
          expect(await answer.text()).to.include('invalid_client');
        }
        const page = await fetch(`${pair.url}/authorize?client_id=${id}&response_type=code`);
        expect(page.status).to.equal(400);
      }
    });
  });

  describe('requests that are malformed name what is wrong, before anything is looked at', () => {
    const raw = (fields: ReadonlyArray<readonly [string, string]>) =>
      postForm(
        pair.url,
        new URLSearchParams([['grant_type', JWT_BEARER], ...fields] as [
          string,
          string,
        ][]).toString(),
      );

    for (const [what, field, fields] of [
      ['without an assertion', 'assertion', []],
      ['with an empty assertion', 'assertion', [['assertion', '']]],
      [
        'with two assertions',
        'assertion',
        [
          ['assertion', 'a'],
          ['assertion', 'b'],
        ],
      ],
      ['with an assertion in brackets', 'assertion', [['assertion[]', 'a']]],
      ['with an assertion of 8 KB', 'assertion', [['assertion', 'a'.repeat(8193)]]],
      ['with a NUL', 'assertion', [['assertion', 'a\0b']]],
      [
        'with two codes',
        'mfa_code',
        [
          ['assertion', 'a'],
          ['mfa_code', '1'],
          ['mfa_code', '2'],
        ],
      ],
      [
        'with a long code',
        'mfa_code',
        [
          ['assertion', 'a'],
          ['mfa_code', '1'.repeat(65)],
        ],
      ],
      [
        'with two resources',
        'resource',
        [
          ['assertion', 'a'],
          ['resource', API],
          ['resource', API],
        ],
      ],
      [
        'with a long resource',
        'resource',
        [
          ['assertion', 'a'],
          ['resource', `${API}/${'a'.repeat(2048)}`],
        ],
      ],
      [
        'with two scopes',
        'scope',
        [
          ['assertion', 'a'],
          ['scope', 'read'],
          ['scope', 'write'],
        ],
      ],
      [
        'with two clients',
        'client_id',
        [
          ['assertion', 'a'],
          ['client_id', 'a'],
          ['client_id', 'b'],
        ],
      ],
    ] as ReadonlyArray<readonly [string, string, ReadonlyArray<readonly [string, string]>]>) {
      it(what, async () => {
        const { status, body } = await raw(fields);
        expect([status, body.error]).to.deep.equal([400, 'invalid_request']);
        expect(body.error_description).to.include(field);
      });
    }

    it('with two grants', async () => {
      const metadata = { token_endpoint_auth_method: 'none' };
      const { id } = await createRelyingParty(pair, { metadata });
      const { status, body } = await raw([
        ['assertion', 'a'],
        ['client_id', id],
        ['grant_type', 'x'],
      ]);
      expect([status, body.error]).to.deep.equal([400, 'invalid_request']);
      expect(body.error_description).to.include('grant_type');
    });

    it('a megabyte, and another content type', async () => {
      const large = await raw([['assertion', 'a'.repeat(1024 * 1024)]]);
      expect(large.status).to.be.within(400, 413);
      const type = { 'content-type': 'application/json' };
      const json = await postForm(pair.url, JSON.stringify({ grant_type: JWT_BEARER }), type);
      expect([json.status, json.body.error]).to.deep.equal([400, 'invalid_request']);
    });

    it('from a page of some site, and with credentials of a client', async () => {
      const machine = await createMachine(pair);
      const { status, body } = await ask(machine, {}, { origin: 'https://app.example.com' });
      expect([status, body.error]).to.deep.equal([400, 'invalid_request']);
      const basic = { authorization: `Basic ${btoa(`${machine.id}:secret`)}` };
      expect((await ask(machine, {}, basic)).body.error).to.equal('invalid_client');
      const posted = { client_id: machine.id, client_secret: 'secret' };
      expect((await ask(machine, posted)).body.error).to.equal('invalid_client');
    });
  });
});

describe('the library', () => {
  it('registers what we stand beside, and gives its handler the context alone', () => {
    const registered = new Map<string, unknown[]>();
    class Watched extends Provider {
      override registerGrantType(name: string, handler: never, ...more: never[]): void {
        registered.set(name, [handler, ...more]);
        super.registerGrantType(name, handler, ...more);
      }
    }
    new Watched('https://id.example.com', { features: { clientCredentials: { enabled: true } } });
    const [handler, parameters] = registered.get('client_credentials') ?? [];
    expect(handler).to.be.a('function').with.property('length', 1);
    expect([...(parameters as Set<string>)]).to.deep.equal(['scope', 'resource']);
  });
});
