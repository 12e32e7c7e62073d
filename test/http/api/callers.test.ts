// How applications prove themselves at the JSON doors, and what a sign-in there leaves alone.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { now } from '../../../src/lib/clock.ts';
import { application, createApplication, PUBLIC } from '../../support/application.ts';
import { createExistingPerson } from '../../support/existing-person.ts';
import { type Gatehouse, startGatehouse } from '../../support/gatehouse.ts';
import { onOneStore } from '../../support/stores.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

onOneStore('callers of the JSON doors', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  const person = async () => {
    const { email, password, id } = await createExistingPerson(gatehouse);
    return { id, body: { email, password } };
  };

  it('a signed assertion is good once', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    const app = await createApplication(gatehouse, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
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
    const first = await app.post('login', signed);
    expect(first.status, JSON.stringify(first.body)).to.equal(200);
    const second = await app.post('login', signed);
    expect([second.status, second.body.error]).to.deep.equal([401, 'invalid_client']);
  });

  it('an application needs no page of its own, nor refresh tokens', async () => {
    const bare = { redirect_uris: [], response_types: [], grant_types: ['refresh_token'] };
    const app = await createApplication(gatehouse, bare);
    const { body } = await person();
    const { body: tokens } = await app.post('login', body);
    expect(tokens, JSON.stringify(tokens)).to.include.keys('token', 'refreshToken');
    const { refreshToken } = tokens;
    expect((await app.post('refresh', { refreshToken })).status).to.equal(200);
    const without = await createApplication(gatehouse, { grant_types: ['authorization_code'] });
    const { body: only } = await without.post('login', body);
    expect(only).to.include.keys('token', 'session').and.not.to.include.keys('refreshToken');
  });

  it('scopes are those the application is registered with', async () => {
    const app = await createApplication(gatehouse, { scope: 'openid email' });
    const { body } = await person();
    expect((await app.post('login', body)).body.scope).to.equal('openid email');
    const more = await app.post('login', { ...body, scope: 'openid profile' });
    expect([more.status, more.body.error]).to.deep.equal([400, 'invalid_scope']);
  });

  it('no sign-in here pushes a browser out of those that the account knows', async () => {
    const { id, body } = await person();
    const app = await createApplication(gatehouse);
    for (let times = 0; times < 3; times += 1) await app.post('login', body);
    const { sql, compile, all } = gatehouse.core.store;
    const known = await all(compile(sql('known_browsers').where({ account_id: id })));
    expect(known.map(({ client_id }) => client_id)).to.deep.equal([app.id, app.id, app.id]);
  });

  it('the configured client speaks for callers that name none', async () => {
    const { id } = await createApplication(gatehouse, PUBLIC);
    const file = join(gatehouse.database.dataDir, 'default-client.json');
    const settings = { mfa: { required: false }, api: { default_client_id: id } };
    writeFileSync(file, JSON.stringify(settings));
    const { body } = await person();
    const other = await startGatehouse({ store, env: { GATEHOUSE_CONFIG: file } });
    try {
      const nobody = application(other.url, id, undefined);
      const unknown = await nobody.post('login', body);
      expect([unknown.status, unknown.body.error]).to.deep.equal([401, 'invalid_client']);
    } finally {
      await other.stop();
    }
    const restarted = await startGatehouse({
      database: gatehouse.database,
      env: { GATEHOUSE_CONFIG: file },
    });
    try {
      const { status } = await application(restarted.url, id, undefined).post('login', body);
      expect(status).to.equal(200);
    } finally {
      await restarted.pause();
    }
  });
});
