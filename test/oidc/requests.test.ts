// What applications send beyond the plain request: methods, values and spellings of real clients.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

onOneStore('requests of applications', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    person = await createPerson(gatehouse);
  });
  beforeEach(async () => {
    ({ web } = await signIn(gatehouse, party, person));
  });
  after(() => gatehouse.stop());

  const ask = (parameters: Record<string, string>, by = web): Promise<Page> =>
    by.get(party.url(parameters).url);
  const errorOf = ({ url }: Page) => url.searchParams.get('error');

  describe('methods', () => {
    const rows: ReadonlyArray<readonly [string, string, readonly string[]]> = [
      ['/authorize', 'GET, HEAD, POST', ['PUT', 'DELETE', 'PATCH']],
      ['/sign-out', 'GET, HEAD, POST', ['PUT', 'DELETE']],
      ['/userinfo', 'GET, HEAD, POST', ['PUT', 'DELETE']],
      ['/token', 'POST', ['GET', 'PUT']],
      ['/introspect', 'POST', ['GET', 'DELETE']],
      ['/revoke', 'POST', ['GET', 'DELETE']],
      ['/par', 'POST', ['GET', 'DELETE']],
      ['/device/authorize', 'POST', ['GET', 'PUT']],
      ['/jwks', 'GET, HEAD', ['DELETE']],
      ['/.well-known/openid-configuration', 'GET, HEAD', ['DELETE']],
      ['/v1/auth/login', 'POST', ['GET', 'PUT']],
      ['/health/ready', 'HEAD, GET', ['DELETE']],
    ];
    for (const [path, allow, others] of rows) {
      it(`${path} answers others than ${allow} with 405`, async () => {
        for (const method of others) {
          const origin = gatehouse.url;
          const response = await fetch(`${origin}${path}`, { method, headers: { origin } });
          expect(response.status, method).to.equal(405);
          expect(response.headers.get('allow'), method).to.equal(allow);
          expect(JSON.parse(await response.text()).error).to.equal('method_not_allowed');
        }
      });
    }

    it('an address that does not exist stays 404, and CORS preflights pass', async () => {
      expect((await fetch(`${gatehouse.url}/nowhere`)).status).to.equal(404);
      const headers = {
        origin: 'https://app.example.com',
        'access-control-request-method': 'POST',
      };
      const preflight = await fetch(`${gatehouse.url}/token`, { method: 'OPTIONS', headers });
      expect(preflight.status).to.equal(204);
    });

    it('an authorization request by POST signs in with the session of the browser', async () => {
      const url = new URL(party.url().url);
      const answer = await web.post(
        url.origin + url.pathname,
        Object.fromEntries(url.searchParams),
      );
      codeOf(answer);
    });
  });

  it('/.well-known/change-password leads to the page that changes it', async () => {
    const page = await web.once(`${gatehouse.url}/.well-known/change-password`);
    expect([page.status, page.headers.get('location')]).to.deep.equal([303, '/account/password']);
  });

  describe('prompt=select_account', () => {
    it('asks who is meant, and goes on as the person who is signed in', async () => {
      const page = await ask({ prompt: 'select_account' });
      expect(titleOf(page)).to.equal('Choose an account');
      expect(page.text).to.include(`Continue as ${person.email}`);
      codeOf(await web.submit(page, '/account'));
    });

    it('lets somebody else sign in', async () => {
      const other = await createPerson(gatehouse);
      const page = await ask({ prompt: 'select_account' });
      const form = await web.submit(page, '/switch');
      expect(titleOf(form)).to.equal('Sign in');
      codeOf(await signInAt(web, form, other));
      const again = await ask({ prompt: 'select_account' });
      expect(again.text).to.include(`Continue as ${other.email}`);
    });

    it('is an ordinary sign-in where nobody is signed in', async () => {
      const fresh = createWeb(gatehouse.url);
      const page = await ask({ prompt: 'select_account' }, fresh);
      expect(titleOf(page)).to.equal('Sign in');
      codeOf(await signInAt(fresh, page, person));
    });

    it('can be cancelled, and clicked twice', async () => {
      const page = await ask({ prompt: 'select_account' });
      const clicks = await Promise.all([1, 2, 3].map(() => web.copy().submit(page, '/account')));
      expect(clicks.map((click) => click.url.searchParams.has('code'))).to.include(true);
      for (const { status } of clicks) expect(status).to.be.below(500);
      const cancelled = await web.submit(await ask({ prompt: 'select_account' }), '/cancel');
      expect(errorOf(cancelled)).to.equal('access_denied');
    });

    it('with consent asks for both, one after the other', async () => {
      const page = await ask({ prompt: 'select_account consent' });
      const next = await web.submit(page, '/account');
      expect(titleOf(next)).to.equal('Allow access');
      codeOf(await web.submit(next, '/consent', { decision: 'allow' }));
    });

    it('with login asks for the password of whoever was chosen', async () => {
      const page = await web.submit(await ask({ prompt: 'select_account login' }), '/account');
      expect(titleOf(page)).to.equal('Sign in');
      codeOf(await signInAt(web, page, person));
    });

    it('is an unknown question to none', async () => {
      expect(errorOf(await ask({ prompt: 'none select_account' }))).to.equal('invalid_request');
    });
  });

  describe('login_hint', () => {
    it('of the person who is signed in asks nothing, in any spelling', async () => {
      for (const login_hint of [person.email, ` ${person.email.toUpperCase()}`, person.id]) {
        codeOf(await ask({ login_hint }));
      }
    });

    it('of somebody else asks who is meant, once', async () => {
      const page = await ask({ login_hint: 'other@example.com' });
      expect(titleOf(page)).to.equal('Choose an account');
      expect(page.text).to.include('The application asked for other@example.com.');
      codeOf(await web.submit(page, '/account'));
      const other = await ask({ login_hint: 'other@example.com' });
      const form = await web.submit(other, '/switch');
      expect(form.text).to.include('value="other@example.com"');
      codeOf(await signInAt(web, form, person));
    });

    it('of somebody else with prompt=none is account_selection_required', async () => {
      const answer = await ask({ login_hint: 'other@example.com', prompt: 'none' });
      expect(errorOf(answer)).to.equal('account_selection_required');
    });

    it('that is no address names nobody', async () => {
      codeOf(await ask({ login_hint: 'their user name there' }));
      codeOf(await ask({ login_hint: 'x'.repeat(4000) }));
    });
  });

  it('acr_values that nobody knows are as none', async () => {
    codeOf(await ask({ acr_values: 'urn:example:loa:3 0' }));
  });

  describe('blanks in scope', () => {
    it('do not matter to the authorization endpoint', async () => {
      for (const scope of [' openid  email ', 'openid\temail', 'openid email\n']) {
        const request = party.url({ scope });
        const answer = await party.redeem(request, codeOf(await web.get(request.url)));
        expect(answer.body.scope).to.equal('openid email');
      }
    });

    it('nor to pushed requests and the token endpoint', async () => {
      const url = new URL(party.url({ scope: 'openid   email' }).url);
      const pushed = await fetch(`${gatehouse.url}/par`, {
        method: 'POST',
        headers: { ...FORM, ...basic(party.id, party.secret) },
        body: url.searchParams,
      });
      expect(pushed.status).to.equal(201);
      const { tokens } = await signIn(gatehouse, party, person);
      const refreshed = await party.token({
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token ?? '',
        scope: ' openid ',
      });
      expect([refreshed.status, refreshed.body.scope]).to.deep.equal([200, 'openid']);
    });

    it('make no scope of nothing', async () => {
      expect(errorOf(await ask({ scope: '  ' }))).to.not.equal(null);
    });
  });

  describe('a public client with an empty secret', () => {
    it('is the client that it names', async () => {
      const metadata = { first_party: true, token_endpoint_auth_method: 'none' };
      const open = await createRelyingParty(gatehouse, { metadata });
      const { tokens } = await signIn(gatehouse, open, person);
      const body = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
      expect((await post('/token', body, basic(open.id, ''))).status).to.equal(200);
      const other = { ...body, client_id: party.id };
      expect((await post('/token', other, basic(open.id, ''))).status).to.be.within(400, 401);
    });

    it('is nobody where the client has a secret', async () => {
      const body = { grant_type: 'authorization_code', code: 'x' };
      const answer = await post('/token', body, basic(party.id, ''));
      expect([answer.status, answer.body.error]).to.deep.equal([401, 'invalid_client']);
    });
  });

  it('a grant that is not registered is unauthorized_client', async () => {
    const body = { grant_type: 'client_credentials' };
    const answer = await post('/token', body, basic(party.id, party.secret));
    expect([answer.status, answer.body.error]).to.deep.equal([400, 'unauthorized_client']);
  });

  it('what is not supported is said in a sentence', async () => {
    for (const [name, value, error] of [
      ['request', 'eyJhbGciOiJub25lIn0.e30.', 'request_not_supported'],
      ['request_uri', 'https://app.example.com/r', 'request_uri_not_supported'],
      ['registration', '{}', 'registration_not_supported'],
    ] as const) {
      const answer = await ask({ [name]: value });
      expect(errorOf(answer)).to.equal(error);
      expect(answer.url.searchParams.get('error_description')).to.match(/\.$/);
      const byForm = await ask({ [name]: value, response_mode: 'form_post' });
      expect(byForm.text).to.include('name="error_description"');
    }
  });

  it('revocation without a body names what is missing', async () => {
    const headers = basic(party.id, party.secret);
    const response = await fetch(`${gatehouse.url}/revoke`, { method: 'POST', headers });
    expect(response.status).to.equal(400);
    expect(JSON.parse(await response.text()).error_description).to.include("'token'");
  });

  const basic = (id: string, secret = ''): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  });
  const post = async (
    path: string,
    body: Record<string, string>,
    headers: Record<string, string>,
  ) => {
    const response = await fetch(`${gatehouse.url}${path}`, {
      method: 'POST',
      headers: { ...FORM, ...headers },
      body: new URLSearchParams(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
});
