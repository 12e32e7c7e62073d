// A client's secret that was stolen, used from a network that is not the client's.
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { BEHIND_PROXY } from '../support/guesses.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

const HOME = '192.0.2.7';
const ELSEWHERE = '198.51.100.7';

onOneStore('a client with networks of its own', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY });
    const metadata = {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      allowed_addresses: ['192.0.2.0/24', '2001:db8::/32'],
    };
    party = await createRelyingParty(gatehouse, { metadata });
  });
  after(() => gatehouse.stop());

  const post = async (path: string, fields: Record<string, string>, from: string) => {
    const response = await fetch(`${gatehouse.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${party.id}:${party.secret}`)}`,
        'x-forwarded-for': from,
      },
      body: new URLSearchParams(fields),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : {} };
  };

  it('is itself there and nobody elsewhere, by every grant and call', async () => {
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const page = await signInAt(web, await web.get(request.url), await createPerson(gatehouse));
    const code = {
      grant_type: 'authorization_code',
      code: codeOf(page),
      redirect_uri: 'https://app.example.com/callback',
      code_verifier: request.verifier,
    };
    expect((await post('/token', code, ELSEWHERE)).status).to.equal(401);
    const { status, body: tokens } = await post('/token', code, HOME);
    expect(status, 'the code was not spent').to.equal(200);
    const calls: ReadonlyArray<readonly [string, Record<string, string>]> = [
      ['/token', { grant_type: 'client_credentials' }],
      ['/introspect', { token: tokens.access_token }],
      ['/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }],
      ['/revoke', { token: tokens.access_token }],
      ['/par', Object.fromEntries(new URL(party.url().url).searchParams)],
    ];
    for (const [path, fields] of calls) {
      for (const from of [ELSEWHERE, '2001:db9::1', 'unknown']) {
        const { status, body } = await post(path, fields, from);
        expect({ status, error: body.error }, `${path} ${from}`).to.deep.equal({
          status: 401,
          error: 'invalid_client',
        });
        expect(body.error_description).to.equal('client authentication failed');
      }
      expect((await post(path, fields, HOME)).status, path).to.be.within(200, 201);
    }
    expect(
      (await post('/token', { grant_type: 'client_credentials' }, '2001:db8::9')).status,
    ).to.equal(200);
    const rows = await auditRows(gatehouse, { kind: 'client.refused' });
    expect(rows[0]).to.deep.include({
      clientId: party.id,
      outcome: 'refused',
      reason: 'address not allowed',
      address: ELSEWHERE,
      detail: { endpoint: 'token' },
    });
  });

  it('answers a wrong secret from elsewhere just so', async () => {
    const answers = await Promise.all(
      [party.secret, 'wrong'].map(async (secret) => {
        const response = await fetch(`${gatehouse.url}/token`, {
          method: 'POST',
          headers: { 'x-forwarded-for': ELSEWHERE },
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: party.id,
            client_secret: String(secret),
          }),
        });
        const { trace, ...body } = (await response.json()) as { trace: string };
        expect(trace).to.be.a('string');
        return { status: response.status, body };
      }),
    );
    expect(answers[0]).to.deep.equal(answers[1]);
  });

  it('signs people in over JSON from there alone', async () => {
    const app = await createApplication(gatehouse, { allowed_addresses: ['192.0.2.0/24'] });
    const { email, password } = await createPerson(gatehouse);
    const login = (from: string) =>
      app.post('login', { email, password }, { headers: { 'x-forwarded-for': from } });
    const refused = await login(ELSEWHERE);
    expect([refused.status, refused.body.error]).to.deep.equal([401, 'invalid_client']);
    expect((await login(HOME)).status).to.equal(200);
  });

  it('lets people come from anywhere: their browsers are not the client', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url, { 'x-forwarded-for': ELSEWHERE });
    expect(page.status).to.equal(200);
    expect(page.text).to.include('name="password"');
  });

  it('is registered with ranges only', async () => {
    for (const bad of [['everywhere'], ['10.0.0.0/33'], 'all', [7]]) {
      const made = await createRelyingParty(gatehouse, {
        metadata: { allowed_addresses: bad },
      }).catch((error: Error) => error.message);
      expect(made, JSON.stringify(bad)).to.match(/^allowed_addresses/);
    }
  });
});
