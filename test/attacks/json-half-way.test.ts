// A sign-in over JSON that cannot bring tokens must not be one: no step is spent for nothing.
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { now } from '../../src/lib/clock.ts';
import { GatehouseError } from '../../src/lib/errors.ts';
import { createApplication, PUBLIC } from '../support/application.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { onOneStoreExcept } from '../support/stores.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

onOneStoreExcept(/cannot be|in the middle/, 'half a sign-in over JSON', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  const person = async () => {
    const { email, password, id } = await createExistingPerson(gatehouse);
    return { id, body: { email, password } };
  };
  const sessions = async (accountId: string) => {
    const { sql, compile, all } = gatehouse.core.store;
    return all(compile(sql('sessions').where({ account_id: accountId, ended_at: null })));
  };

  it('an installed application with addresses of its own scheme gets tokens', async () => {
    const app = await createApplication(gatehouse, {
      ...PUBLIC,
      application_type: 'native',
      redirect_uris: ['com.example.app:/callback'],
      post_logout_redirect_uris: ['com.example.app:/signed-out'],
    });
    const { body } = await person();
    const { status, body: tokens } = await app.post('login', { ...body, client_id: app.id });
    expect(status, JSON.stringify(tokens)).to.equal(200);
    const { refreshToken } = tokens;
    const again = await app.post('refresh', { refreshToken, client_id: app.id });
    expect(again.status, JSON.stringify(again.body)).to.equal(200);
  });

  it('a client that may sign its assertions in one way only gets tokens', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const app = await createApplication(gatehouse, {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
    });
    const at = Math.floor(now() / 1000);
    const client_assertion = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(app.id)
      .setSubject(app.id)
      .setAudience(gatehouse.url)
      .setIssuedAt(at)
      .setExpirationTime(at + 60)
      .sign(privateKey);
    const { body } = await person();
    const signed = { ...body, client_assertion, client_assertion_type: ASSERTION_TYPE };
    const { status, body: tokens } = await app.post('login', signed);
    expect(status, JSON.stringify(tokens)).to.equal(200);
  });

  it('a client whose tokens are bound to keys is turned away before anything is looked at', async () => {
    const app = await createApplication(gatehouse, { dpop_bound_access_tokens: true });
    const { id, body } = await person();
    const { status, body: refusal } = await app.post('login', body);
    expect([status, refusal.error]).to.deep.equal([403, 'client_not_allowed']);
    expect(await sessions(id)).to.deep.equal([]);
  });

  it('a client that may not have tokens for this API is turned away, and keeps what it has', async () => {
    const app = await createApplication(gatehouse);
    const { id, body } = await person();
    const { refreshToken } = (await app.post('login', body)).body;
    await gatehouse.core.clients.update(app.id, { resources: ['https://api.example.com'] });
    const { status, body: refusal } = await app.post('login', body);
    expect([status, refusal.error]).to.deep.equal([403, 'client_not_allowed']);
    expect(await sessions(id)).to.have.length(1);
    expect((await app.post('logout', { refreshToken })).status).to.equal(204);
    expect(await sessions(id)).to.deep.equal([]);
  });

  it('a sign-in whose tokens cannot be written leaves no session behind', async () => {
    const app = await createApplication(gatehouse);
    const { id, body } = await person();
    const { store: open } = gatehouse.core;
    const { commit } = open;
    Object.assign(open, {
      commit: async (unit: Parameters<typeof commit>[0]) => {
        const issues = unit.some(
          ({ sql, bindings }) => sql.startsWith('insert') && bindings.includes('RefreshToken'),
        );
        if (issues) throw new GatehouseError('store_unavailable');
        return commit(unit);
      },
    });
    try {
      expect((await app.post('login', body)).status).to.equal(503);
    } finally {
      Object.assign(open, { commit });
    }
    expect(await sessions(id)).to.deep.equal([]);
    expect((await app.post('login', body)).status).to.equal(200);
  });

  it('a client that is disabled in the middle gets no tokens, and leaves no session', async () => {
    const app = await createApplication(gatehouse);
    const { id, body } = await person();
    const { store: open, clients } = gatehouse.core;
    const { commit } = open;
    Object.assign(open, {
      commit: async (unit: Parameters<typeof commit>[0]) => {
        const outcome = await commit(unit);
        const isMade = unit.some(({ sql }) => /^insert into .?sessions/.test(sql));
        if (isMade) await clients.disable(app.id);
        return outcome;
      },
    });
    try {
      const { status, body: refusal } = await app.post('login', body);
      expect([status, refusal.error]).to.deep.equal([401, 'invalid_session']);
    } finally {
      Object.assign(open, { commit });
    }
    expect(await sessions(id)).to.deep.equal([]);
  });

  it('a refresh whose session cannot be marked as seen costs no token', async () => {
    const app = await createApplication(gatehouse);
    const { body } = await person();
    const { refreshToken } = (await app.post('login', body)).body;
    const { store: open } = gatehouse.core;
    const { commit } = open;
    const marks = ({ sql }: { sql: string }) => /^update .?sessions.? set .?seen_at/.test(sql);
    // The process says now and then that it is still there.
    const isOfNode = ({ sql }: { sql: string }) => /\bnodes\b/.test(sql);
    let units = 0;
    Object.assign(open, {
      commit: async (unit: Parameters<typeof commit>[0]) => {
        if (!unit.every(isOfNode)) units += 1;
        if (!unit.some(marks)) return commit(unit);
        throw new GatehouseError('store_unavailable');
      },
    });
    try {
      const { status, body: refusal } = await app.post('refresh', { refreshToken });
      expect([status, refusal.error]).to.deep.equal([503, 'store_unavailable']);
      expect(units, 'all in one unit').to.equal(1);
    } finally {
      Object.assign(open, { commit });
    }
    const { status, body: tokens } = await app.post('refresh', { refreshToken });
    expect(status, JSON.stringify(tokens)).to.equal(200);
  });
});
