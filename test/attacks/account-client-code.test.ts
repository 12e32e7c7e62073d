// Somebody chooses the PKCE challenge of a sign-in at the account pages, and redeems its code.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { codeOf, createPerson, relyingParty, signInAt } from '../support/relying-party.ts';
import { createWeb, titleOf } from '../support/web.ts';

const ACCOUNT = 'gatehouse-account';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

describe('the code of the account pages', () => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse();
  });
  after(() => gatehouse.stop());

  const post = async (path: string, fields: Record<string, string>) => {
    const body = new URLSearchParams(fields);
    const response = await fetch(`${gatehouse.url}${path}`, { method: 'POST', body });
    const { error } = JSON.parse((await response.text()) || '{}') as { error?: string };
    return [response.status, error];
  };

  it('is good for nothing at the token endpoint, whoever chose its challenge', async () => {
    const account = relyingParty(gatehouse.url, ACCOUNT, undefined);
    const redirect = `${gatehouse.url}/account/callback`;
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    for (const more of [
      {},
      { scope: 'openid profile email' },
      { resource: `${gatehouse.url}/api` },
    ]) {
      const request = account.url({ redirect_uri: redirect, scope: 'openid', ...more });
      let page = await web.once(request.url);
      while (!page.headers.get('location')?.startsWith(redirect)) {
        const next = await web.once(new URL(page.headers.get('location') ?? '', page.url));
        if (next.status !== 200) {
          page = next;
          continue;
        }
        // The callback is at home, so the last step is not followed.
        const form = await web.submit(next, '/prove/password', {
          email: person.email,
          password: person.password,
        });
        expect(titleOf(form)).to.equal('Account');
        page = await web.once(request.url);
      }
      const code = new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? '';
      expect(code).not.to.equal('');
      const fields = {
        client_id: ACCOUNT,
        grant_type: 'authorization_code',
        code,
        code_verifier: request.verifier,
        redirect_uri: redirect,
      };
      expect(await post('/token', fields)).to.deep.equal([401, 'invalid_client']);
    }
  });

  it('has a client that makes no call of its own, at any endpoint', async () => {
    const own = { client_id: ACCOUNT };
    const request = new URL(relyingParty(gatehouse.url, ACCOUNT, undefined).url().url);
    const calls: ReadonlyArray<[string, Record<string, string>]> = [
      ['/par', Object.fromEntries(request.searchParams)],
      ['/device/authorize', { ...own, scope: 'openid' }],
      ['/introspect', { ...own, token: 'x' }],
      ['/revoke', { ...own, token: 'x' }],
      ['/token', { ...own, grant_type: 'refresh_token', refresh_token: 'x' }],
      ['/token', { ...own, grant_type: 'client_credentials' }],
      ['/token', { ...own, grant_type: DEVICE, device_code: 'x' }],
    ];
    for (const [path, fields] of calls) {
      expect(await post(path, fields), path).to.deep.equal([401, 'invalid_client']);
    }
  });

  it('is not at the JSON door either', async () => {
    const response = await fetch(`${gatehouse.url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'a@example.com', password: 'x', client_id: ACCOUNT }),
    });
    expect(response.status).to.equal(401);
    expect(((await response.json()) as { error: string }).error).to.equal('invalid_client');
  });

  it('still signs people in at the account pages', async () => {
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const page = await signInAt(web, await web.get(`${gatehouse.url}/account`), person);
    expect(titleOf(page)).to.equal('Account');
    expect(() => codeOf(page)).to.throw();
  });
});
