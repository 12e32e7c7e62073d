// Machines with a secret: what their tokens say, what they may ask for, and how a secret gives way.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose';
import { auditRows, auditText } from '../support/audit.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  type Answer,
  createRelyingParty,
  type RelyingParty,
  relyingParty,
} from '../support/relying-party.ts';
import { expectLifetime } from '../support/signing.ts';
import { onBothStores, onOneStore } from '../support/stores.ts';

const MACHINE = {
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
} as const;
const GRANT = { grant_type: 'client_credentials' } as const;
const ORDERS = 'https://orders.example.com';
const RESOURCES = [
  { identifier: ORDERS, scopes: ['read', 'write'] },
  { identifier: 'https://bills.example.com', scopes: ['read'] },
];
const DAY = 86_400_000;

onOneStore('client credentials', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    const database = await store.createMigrated();
    const extra = join(database.dataDir, 'resources.json');
    writeFileSync(extra, JSON.stringify({ resources: RESOURCES, ...WITHOUT_FACTOR }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: extra } });
  });
  after(() => gatehouse.stop());

  const machine = (metadata: object = {}) =>
    createRelyingParty(gatehouse, { metadata: { ...MACHINE, ...metadata } });
  const ask = (party: RelyingParty, fields: Record<string, string> = {}) =>
    party.token({ ...GRANT, ...fields });
  const verify = (answer: Answer, audience: string) =>
    jwtVerify(
      String(answer.body.access_token),
      createRemoteJWKSet(new URL(`${gatehouse.url}/jwks`)),
      {
        issuer: gatehouse.url,
        audience,
        typ: 'at+jwt',
      },
    );

  describe('the token', () => {
    it('is a JWT of RFC 9068 for our own API, of the machine and of nobody else', async () => {
      const party = await machine();
      const answer = await ask(party);
      expect(answer.status).to.equal(200);
      expect(answer.body).to.have.all.keys('access_token', 'expires_in', 'token_type');
      expect(answer.body).to.include({ token_type: 'Bearer', expires_in: 900 });
      const { payload } = await verify(answer, `${gatehouse.url}/api`);
      expect(payload).to.include({ sub: party.id, client_id: party.id });
      expect(payload.jti).to.match(/^[\w-]{20,}$/);
      expectLifetime(payload, 900);
      expect(payload).not.to.have.any.keys('acr', 'amr', 'sid', 'auth_time', 'email');
      const other = await verify(await ask(party), `${gatehouse.url}/api`);
      expect(other.payload.jti).not.to.equal(payload.jti);
    });

    it('is for the resource that was named, with the scopes that were asked for', async () => {
      const party = await machine({ resources: [ORDERS] });
      const answer = await ask(party, { resource: ORDERS, scope: 'read' });
      const { payload } = await verify(answer, ORDERS);
      expect(payload.scope).to.equal('read');
      expect(answer.body.scope).to.equal('read');
    });

    it('comes without a refresh token and without an ID token, whatever is asked for', async () => {
      const grants = ['client_credentials', 'refresh_token', 'authorization_code'];
      const party = await createRelyingParty(gatehouse, {
        metadata: { grant_types: grants, resources: [ORDERS, `${gatehouse.url}/api`] },
      });
      expect((await ask(party)).body).not.to.have.any.keys('refresh_token', 'id_token');
      for (const scope of ['openid', 'offline_access', 'read openid']) {
        expect((await ask(party, { scope, resource: ORDERS })).body.error).to.equal(
          'invalid_scope',
        );
      }
    });

    it('is bound to a key by DPoP', async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      const jwk = await exportJWK(publicKey);
      const proof = await new SignJWT({
        htm: 'POST',
        htu: `${gatehouse.url}/token`,
        jti: crypto.randomUUID(),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey);
      const { id, secret } = await machine();
      const response = await fetch(`${gatehouse.url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}`, dpop: proof },
        body: new URLSearchParams(GRANT),
      });
      const body = (await response.json()) as Record<string, unknown>;
      expect(body.token_type).to.equal('DPoP');
      const { status, headers } = response;
      const { payload } = await verify({ status, headers, body }, `${gatehouse.url}/api`);
      expect(payload.cnf).to.deep.equal({ jkt: await calculateJwkThumbprint(jwk) });
    });
  });

  describe('what a machine may ask for', () => {
    it('is no resource and no scope that is unknown', async () => {
      const party = await machine({ resources: [ORDERS, `${gatehouse.url}/api`] });
      const unknown = { resource: 'https://unknown.example.com' };
      expect((await ask(party, unknown)).body.error).to.equal('invalid_target');
      for (const fields of [{ scope: 'read' }, { resource: ORDERS, scope: 'read admin' }]) {
        const { status, body } = await ask(party, fields as Record<string, string>);
        expect({ status, error: body.error }).to.deep.equal({
          status: 400,
          error: 'invalid_scope',
        });
      }
    });

    it('is what it is registered for, where it is registered for something', async () => {
      const party = await machine({ scope: 'read', resources: [ORDERS] });
      expect((await ask(party, { resource: ORDERS, scope: 'read' })).body.scope).to.equal('read');
      const more = await ask(party, { resource: ORDERS, scope: 'read write' });
      expect(more.body.error).to.equal('invalid_scope');
      const elsewhere = await ask(party, { resource: 'https://bills.example.com', scope: 'read' });
      expect(elsewhere.body.error).to.equal('invalid_target');
      expect((await ask(party)).body.error, 'our own API is none of them').to.equal(
        'invalid_target',
      );
    });

    it('is nothing at all without a secret, with a wrong one, or without the grant', async () => {
      const { id } = await machine();
      const { url } = gatehouse;
      for (const secret of [undefined, 'wrong', '']) {
        const answer = await ask(relyingParty(url, id, secret));
        expect(answer.status, String(secret)).to.equal(401);
        expect(answer.body.error).to.equal('invalid_client');
      }
      const web = await createRelyingParty(gatehouse);
      expect((await ask(web)).status).to.equal(400);
    });

    it('is nothing for a public client: whoever knows its name would get the same', async () => {
      const metadata = { token_endpoint_auth_method: 'none' };
      const { clients, store: database } = gatehouse.core;
      const refused = await machine(metadata).catch((error: Error) => error.message);
      expect(refused).to.match(/not for a public client/);
      // Registered before that was so.
      const { id } = await machine();
      const row = JSON.stringify({ ...(await clients.get(id)).metadata, ...metadata });
      const query = database.sql('clients').where({ id }).update({ metadata: row });
      await database.write(database.compile(query, 1));
      const answer = await ask(relyingParty(gatehouse.url, id, undefined));
      expect(answer.body.error).to.equal('unauthorized_client');
    });
  });

  describe('while one secret replaces another', () => {
    const status = async (id: string, secret: string | undefined) =>
      (await ask(relyingParty(gatehouse.url, id, secret))).status;

    it('both work until the overlap is over, and then the new one alone', async () => {
      const { id, secret: old } = await machine();
      const { secret, ended, client } = await gatehouse.core.clients.rotateSecret(id, DAY);
      expect(ended).to.equal(0);
      expect(client.secrets).to.have.length(2);
      expect(secret)
        .to.match(/^[\w-]{43}$/)
        .and.not.to.equal(old);
      await gatehouse.advance('23h');
      expect([await status(id, old), await status(id, secret)]).to.deep.equal([200, 200]);
      await gatehouse.advance('61m');
      expect([await status(id, old), await status(id, secret)]).to.deep.equal([401, 200]);
      const text = await auditText(gatehouse);
      for (const each of [old, secret]) expect(text).not.to.include(each);
      for (const each of client.secrets) expect(text).not.to.include(each.digest);
    });

    it('two live at most: the older of two ends, whatever time it had', async () => {
      const { id, secret: first } = await machine();
      const { clients } = gatehouse.core;
      const second = (await clients.rotateSecret(id, DAY)).secret;
      const third = await clients.rotateSecret(id, 2 * DAY);
      expect(third.ended).to.equal(1);
      const works = [await status(id, first), await status(id, second)];
      expect([...works, await status(id, third.secret)]).to.deep.equal([401, 200, 200]);
      await gatehouse.advance('47h');
      expect(await status(id, second), 'its own overlap').to.equal(200);
      await gatehouse.advance('2h');
      expect(await status(id, second)).to.equal(401);
    });

    it('an overlap of nothing ends the old one at once', async () => {
      const { id, secret: old } = await machine();
      const { secret, ended } = await gatehouse.core.clients.rotateSecret(id, 0);
      expect(ended).to.equal(1);
      expect([await status(id, old), await status(id, secret)]).to.deep.equal([401, 200]);
    });

    it('the old one can be ended before its time, and the new one stays', async () => {
      const { clients } = gatehouse.core;
      const { id, secret: old } = await machine();
      const { secret } = await clients.rotateSecret(id, DAY);
      expect((await clients.revokeOldSecrets(id)).ended).to.equal(1);
      expect([await status(id, old), await status(id, secret)]).to.deep.equal([401, 200]);
      const again = await clients.revokeOldSecrets(id).catch((error: Error) => error.message);
      expect(again).to.match(/only one secret/);
      const kinds = (await auditRows(gatehouse)).filter(({ clientId }) => clientId === id);
      expect(kinds.map(({ kind }) => kind)).to.include.members([
        'admin.client_secret_rotated',
        'admin.client_secret_revoked',
      ]);
    });
  });
});

onBothStores('client secrets on two processes', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, BEHIND_PROXY);
  });
  after(() => pair.stop());

  const machine = () => createRelyingParty(pair, { metadata: { ...MACHINE } });
  const everywhere = (party: RelyingParty) =>
    Promise.all(pair.processes.map(async ({ url }) => (await party.token(GRANT, url)).status));

  it('a new secret works, and the old one ends, on the next request anywhere', async () => {
    const party = await machine();
    expect(await everywhere(party)).to.deep.equal([200, 200]);
    const { secret } = await pair.core.clients.rotateSecret(party.id, DAY);
    const renewed = relyingParty(pair.url, party.id, secret);
    expect(await everywhere(renewed)).to.deep.equal([200, 200]);
    expect(await everywhere(party)).to.deep.equal([200, 200]);
    await pair.advance('25h');
    expect(await everywhere(party)).to.deep.equal([401, 401]);
    expect(await everywhere(renewed)).to.deep.equal([200, 200]);
  });

  it('a client is disabled and enabled on the next request anywhere', async () => {
    const party = await machine();
    await everywhere(party);
    await pair.core.clients.disable(party.id);
    expect(await everywhere(party)).to.deep.equal([401, 401]);
    await pair.core.clients.enable(party.id);
    expect(await everywhere(party)).to.deep.equal([200, 200]);
  });

  it('twenty operators at once lose nothing: each new secret was written, or its maker is told', async () => {
    const party = await machine();
    const { clients } = pair.core;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => clients.rotateSecret(party.id, DAY)),
    );
    const made = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const told = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(made.length).to.be.within(1, 20);
    for (const error of told) expect(error).to.include({ code: 'store_conflict' });
    const client = await clients.get(party.id);
    expect(client.revision).to.equal(1 + made.length);
    expect(client.secrets).to.have.length(2);
    const newest = made.toSorted((a, b) => b.client.revision - a.client.revision)[0];
    expect(await everywhere(relyingParty(pair.url, party.id, newest?.secret))).to.deep.equal([
      200, 200,
    ]);
    const works = await Promise.all(
      [party.secret, ...made.map(({ secret }) => secret)].map(async (secret) => {
        const { status } = await relyingParty(pair.url, party.id, secret).token(GRANT);
        return status === 200;
      }),
    );
    expect(works.filter(Boolean)).to.have.length(2);
    const rows = (await auditRows(pair, { kind: 'admin.client_secret_rotated' })).filter(
      ({ clientId }) => clientId === party.id,
    );
    expect(rows).to.have.length(made.length);
  });
});
