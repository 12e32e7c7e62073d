// Proves the demo app against a real provider, and against one that misbehaves on purpose.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { createSessions } from '../../src/demo/sessions.ts';
import { moveTestClock } from '../../src/lib/clock.ts';
import { freePort } from '../support/ports.ts';
import {
  type Browser,
  cancelAtProvider,
  clientId,
  clientSecret,
  createBrowser,
  type FakeProvider,
  factOf,
  location,
  type Page,
  pageOf,
  passProvider,
  startFakeProvider,
  startProvider,
  startTestDemo,
  type TestDemo,
  type TestProvider,
} from './helpers.ts';

/** Whole: three letters of it stand in a random value now and then. */
const JWT = /eyJ[\w-]+\./;

async function expectError(response: Response, status: number, words: string): Promise<Page> {
  const page = await pageOf(response);
  expect(page.view).to.equal('demo/error');
  expect(`${response.status} ${page.data.message}`).to.equal(`${status} ${words}`);
  expect(page.data.actions).to.deep.equal({ back: '/' });
  return page;
}

describe('demo app with a real provider', () => {
  let demo: TestDemo;
  let provider: TestProvider;
  let providerPort: number;
  let appPort: number;
  let browser: Browser;

  const ask = (path: string, init?: RequestInit) => browser.ask(`${demo.url}${path}`, init);
  const post = (path: string, fields: Record<string, string>) =>
    browser.post(`${demo.url}${path}`, fields);
  const home = async () => pageOf(await ask('/'));

  async function signIn(login = 'ada'): Promise<Page> {
    const back = await passProvider(browser, location(await ask('/sign-in')), login);
    const done = await browser.ask(back);
    expect(done.status).to.equal(302);
    expect(location(done).href).to.equal(`${demo.url}/`);
    return home();
  }

  before(async () => {
    appPort = await freePort();
    providerPort = await freePort();
    provider = await startProvider(providerPort, `http://localhost:${appPort}`);
    demo = await startTestDemo(provider.issuer, appPort, { hint: 'ada@example.com' });
  });

  beforeEach(() => {
    browser = createBrowser();
  });

  after(async () => {
    await demo.stop();
    await provider.stop();
  });

  it('shows the start page without a cookie', async () => {
    const response = await ask('/');
    expect(await pageOf(response)).to.deep.equal({
      view: 'demo/home',
      data: {
        actions: { signIn: '/sign-in' },
        providerUrl: provider.issuer,
        hint: 'ada@example.com',
      },
    });
    expect(response.headers.getSetCookie()).to.deep.equal([]);
  });

  it('sends every page with the security headers', async () => {
    const { issuer } = provider;
    for (const path of ['/', '/nothing', '/sign-in', '/favicon.ico']) {
      const { headers } = await ask(path);
      expect(headers.get('content-security-policy')).to.equal(
        `default-src 'none'; style-src 'self' ${issuer}; script-src ${issuer}; ` +
          `img-src 'self' ${issuer} data:; base-uri 'none'; frame-ancestors 'none'`,
      );
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('referrer-policy')).to.equal('no-referrer');
      expect(headers.get('cache-control')).to.equal('no-store');
    }
  });

  it('asks for a code with PKCE, state and nonce', async () => {
    const response = await ask('/sign-in');
    const { origin, searchParams: sent } = location(response);
    expect(origin).to.equal(provider.issuer);
    expect(sent.get('response_type')).to.equal('code');
    expect(sent.get('client_id')).to.equal(clientId);
    expect(sent.get('redirect_uri')).to.equal(`${demo.url}/callback`);
    expect(sent.get('scope')).to.equal('openid profile email');
    expect(sent.get('code_challenge_method')).to.equal('S256');
    expect(sent.get('code_challenge')).to.match(/^[\w-]{43}$/);
    expect(sent.get('state')).to.match(/^[\w-]{43}$/);
    expect(sent.get('nonce')).to.match(/^[\w-]{43}$/);
    expect(response.headers.get('set-cookie')).to.match(
      /^example_app=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  it('shows the claims after a sign-in, and no token', async () => {
    const page = await signIn('ada');
    expect(page.view).to.equal('demo/signed-in');
    expect(factOf(page.data.claims, 'sub')).to.equal('ada');
    expect(factOf(page.data.claims, 'iss')).to.equal(provider.issuer);
    expect(factOf(page.data.claims, 'exp')).to.match(/^\d+ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/);
    expect(factOf(page.data.tokens, 'Scope')).to.equal('openid profile email');
    expect(factOf(page.data.tokens, 'Access token expires')).to.match(/^\d{4}-\d\d-\d\dT/);
    expect(factOf(page.data.tokens, 'Refresh token')).to.equal('received');
    expect(page.data.actions).to.deep.equal({ signOut: '/sign-out', refresh: '/refresh' });
    expect(JSON.stringify(page)).not.to.match(JWT);
    expect(JSON.stringify(demo.lines)).not.to.match(JWT);
  });

  it('gives the session a new id at the sign-in', async () => {
    await signIn();
    const before = browser.cookie('example_app');
    await signIn();
    expect(browser.cookie('example_app')).to.match(/^[\w-]{43}$/);
    expect(browser.cookie('example_app')).not.to.equal(before);
    const old = await fetch(`${demo.url}/`, { headers: { cookie: `example_app=${before}` } });
    expect((await pageOf(old)).view).to.equal('demo/home');
  });

  it('refuses an answer with another state, and still takes the right one', async () => {
    const back = await passProvider(browser, location(await ask('/sign-in')), 'ada');
    const forged = new URL(back);
    forged.searchParams.set('state', 'another');
    const words = 'This answer does not belong to the sign-in under way in this browser.';
    await expectError(await browser.ask(forged), 400, words);
    expect((await home()).view).to.equal('demo/home');
    expect((await browser.ask(back)).status).to.equal(302);
  });

  it('takes an answer once only', async () => {
    const back = await passProvider(browser, location(await ask('/sign-in')), 'ada');
    await browser.ask(back);
    const words = 'No sign-in is under way in this browser. Start again.';
    await expectError(await browser.ask(back), 400, words);
    expect((await home()).view).to.equal('demo/signed-in');
  });

  it('refuses an answer of another issuer', async () => {
    const back = await passProvider(browser, location(await ask('/sign-in')), 'ada');
    back.searchParams.set('iss', 'http://localhost:1');
    const words = "The provider's answer did not pass the checks.";
    const page = await expectError(await browser.ask(back), 502, words);
    expect(page.data.detail).to.contain('"iss" (issuer)');
    expect((await home()).view).to.equal('demo/home');
  });

  it('refuses an answer in a browser without a sign-in', async () => {
    const back = await passProvider(browser, location(await ask('/sign-in')), 'ada');
    const words = 'No sign-in is under way in this browser. Start again.';
    await expectError(await createBrowser().ask(back), 400, words);
    await expectError(await createBrowser().ask(`${demo.url}/callback`), 400, words);
  });

  it('says that the person cancelled', async () => {
    const back = await cancelAtProvider(browser, location(await ask('/sign-in')));
    expect(back.searchParams.get('error')).to.equal('access_denied');
    await expectError(await browser.ask(back), 400, 'You cancelled the sign-in.');
    expect((await home()).view).to.equal('demo/home');
  });

  it('shows a new ID token after a refresh', async () => {
    const before = await signIn();
    const expires = factOf(before.data.tokens, 'Access token expires');
    const response = await post('/refresh', { csrf: before.data.csrf ?? '' });
    expect(response.status).to.equal(303);
    expect(location(response).href).to.equal(`${demo.url}/`);
    const after = await home();
    expect(factOf(after.data.claims, 'sub')).to.equal('ada');
    expect(factOf(after.data.tokens, 'Access token expires')).not.to.equal(expires);
  });

  it('signs out here and at the provider', async () => {
    const { data } = await signIn();
    const response = await post('/sign-out', { csrf: data.csrf ?? '' });
    expect(response.status).to.equal(303);
    const url = location(response);
    expect(url.origin + url.pathname).to.equal(`${provider.issuer}/session/end`);
    expect(url.searchParams.get('post_logout_redirect_uri')).to.equal(`${demo.url}/`);
    expect(url.searchParams.get('client_id')).to.equal(clientId);
    const hint = url.searchParams.get('id_token_hint') ?? '';
    expect(JSON.parse(atob(hint.split('.')[1] ?? '')).sub).to.equal('ada');
    expect((await browser.ask(url)).status).to.equal(200);
    expect(browser.cookie('example_app')).to.equal(undefined);
    expect((await home()).view).to.equal('demo/home');
  });

  it('refuses forms without the right csrf token', async () => {
    const words = 'This page was out of date. Go back to the start and try again.';
    await signIn();
    await expectError(await post('/sign-out', { csrf: 'wrong' }), 403, words);
    await expectError(await post('/sign-out', {}), 403, words);
    await expectError(await post('/refresh', { csrf: 'wrong' }), 403, words);
    expect((await home()).view).to.equal('demo/signed-in');
  });

  it('refuses forms without a session', async () => {
    const words = 'Your session in this app has ended.';
    await expectError(await post('/sign-out', { csrf: 'any' }), 403, words);
  });

  it('refuses forms of other sites', async () => {
    const { data } = await signIn();
    const body = () => new URLSearchParams({ csrf: data.csrf ?? '' });
    const send = (headers: Record<string, string>) =>
      ask('/refresh', { method: 'POST', body: body(), headers });
    const words = 'This form came from another site.';
    await expectError(await send({ origin: provider.issuer }), 403, words);
    await expectError(await send({ origin: 'null', 'sec-fetch-site': 'cross-site' }), 403, words);
    await expectError(await send({ origin: 'null', 'sec-fetch-site': 'same-site' }), 403, words);
    expect((await send({ origin: 'null', 'sec-fetch-site': 'same-origin' })).status).to.equal(303);
    expect((await send({ origin: demo.url })).status).to.equal(303);
  });

  it('refuses bodies that are no small plain form', async () => {
    const { data } = await signIn();
    const csrf = data.csrf ?? '';
    const large = await post('/refresh', { csrf, filler: 'x'.repeat(4096) });
    await expectError(large, 413, 'This form is too large.');
    const huge = await post('/refresh', { csrf, filler: 'x'.repeat(3_000_000) });
    await expectError(huge, 413, 'This form is too large.');
    const twice = new URLSearchParams([
      ['csrf', csrf],
      ['csrf', csrf],
    ]);
    const double = await ask('/refresh', { method: 'POST', body: twice });
    await expectError(double, 400, 'A field was sent twice.');
    const json = await ask('/refresh', { method: 'POST', body: JSON.stringify({ csrf }) });
    await expectError(json, 415, 'This app only takes forms.');
  });

  it('answers unknown paths, other methods, HEAD and the favicon', async () => {
    await expectError(await ask('/nothing'), 404, 'There is no such page here.');
    await expectError(await ask('/%E0%A4%A'), 404, 'There is no such page here.');
    const wrongMethod = await ask('/sign-out');
    expect(wrongMethod.headers.get('allow')).to.equal('POST');
    await expectError(wrongMethod, 405, 'This page cannot be asked for in this way.');
    const head = await ask('/', { method: 'HEAD' });
    expect(head.status).to.equal(200);
    expect(Number(head.headers.get('content-length'))).to.be.greaterThan(10);
    expect(await head.text()).to.equal('');
    expect((await ask('/nothing', { method: 'HEAD' })).status).to.equal(404);
    expect((await ask('/favicon.ico')).status).to.equal(204);
  });

  it('forgets a session after an hour', async () => {
    await signIn();
    moveTestClock(59 * 60_000);
    expect((await home()).view).to.equal('demo/signed-in');
    moveTestClock(60 * 60_000);
    const view = (await home()).view;
    moveTestClock(0);
    expect(view).to.equal('demo/home');
  });

  it('explains that the provider is down, and works once it is back', async () => {
    const { data } = await signIn();
    const csrf = data.csrf ?? '';
    const other = createBrowser();
    const back = await passProvider(other, location(await other.ask(`${demo.url}/sign-in`)), 'bob');
    await provider.stop();
    const words = `The provider at ${provider.issuer} does not answer.`;
    const page = await expectError(await ask('/sign-in'), 503, words);
    expect(page.data.detail).to.equal('Check that it is running, then try again.');
    await expectError(await other.ask(back), 503, words);
    await expectError(await post('/refresh', { csrf }), 503, words);
    expect((await home()).view).to.equal('demo/signed-in');
    await expectError(await post('/sign-out', { csrf }), 503, words);
    expect((await home()).view).to.equal('demo/home');
    const waiting = signIn('carol');
    provider = await startProvider(providerPort, demo.url);
    expect(factOf((await waiting).data.claims, 'sub')).to.equal('carol');
  });

  it('names a port that is in use', async () => {
    const message = await startTestDemo(provider.issuer, appPort).then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(message).to.equal(`Port ${appPort} is in use. Set DEMO_PORT to another one.`);
  });
});

const manual: RequestInit = { redirect: 'manual' };

describe('sessions of the demo app', () => {
  it('are the thousand newest', () => {
    const sessions = createSessions();
    const ids = Array.from({ length: 1001 }, () => sessions.start().id);
    expect(sessions.find(ids[0])).to.equal(undefined);
    expect(ids.slice(1).every((id) => sessions.find(id) !== undefined)).to.equal(true);
  });

  it('make room by age before they do by number', () => {
    const sessions = createSessions();
    Array.from({ length: 999 }, () => sessions.start());
    moveTestClock(30 * 60_000);
    const { id } = sessions.start();
    moveTestClock(60 * 60_000);
    Array.from({ length: 999 }, () => sessions.start());
    const kept = sessions.find(id);
    moveTestClock(0);
    expect(kept).not.to.equal(undefined);
  });
});

describe('demo app with a provider that misbehaves', () => {
  let demo: TestDemo;
  let fake: FakeProvider;
  let browser: Browser;

  async function comeBack(claims: object, tokens: object = {}): Promise<Response> {
    const { searchParams: sent } = location(await browser.ask(`${demo.url}/sign-in`));
    const idToken = await fake.sign({ nonce: sent.get('nonce'), ...claims });
    fake.answer = async () => ({ status: 200, body: { ...bearer, id_token: idToken, ...tokens } });
    const answer = { code: 'c', state: sent.get('state') ?? '', iss: fake.issuer };
    return browser.ask(`${demo.url}/callback?${new URLSearchParams(answer)}`);
  }

  const home = async () => pageOf(await browser.ask(`${demo.url}/`));

  async function refreshWith(claims: object): Promise<Response> {
    const idToken = await fake.sign(claims as Record<string, string>);
    fake.answer = async () => ({ status: 200, body: { ...bearer, id_token: idToken } });
    return browser.post(`${demo.url}/refresh`, { csrf: (await home()).data.csrf ?? '' });
  }

  async function expectRefused(response: Response, detail: string): Promise<void> {
    const words = "The provider's answer did not pass the checks.";
    const page = await expectError(response, 502, words);
    expect(page.data.detail).to.contain(detail);
    expect((await home()).view).to.equal('demo/home');
  }

  beforeEach(async () => {
    browser = createBrowser();
    fake = await startFakeProvider(await freePort());
    demo = await startTestDemo(fake.issuer, await freePort());
  });

  afterEach(async () => {
    moveTestClock(0);
    await demo.stop();
    await fake.stop();
  });

  it('accepts a sound ID token', async () => {
    expect((await comeBack({})).status).to.equal(302);
    expect((await home()).view).to.equal('demo/signed-in');
    const [request] = fake.requests;
    const basic = Buffer.from((request?.authorization ?? '').replace('Basic ', ''), 'base64');
    expect(new URLSearchParams(`secret=${basic.toString().split(':')[1]}`).get('secret')).to.equal(
      clientSecret,
    );
    expect(request?.fields.get('redirect_uri')).to.equal(`${demo.url}/callback`);
    expect(request?.fields.get('code_verifier')).to.match(/^[\w-]{43}$/);
  });

  it('refuses an ID token signed with an unknown key', async () => {
    await fake.rotateKey({ publish: false });
    await expectRefused(await comeBack({}), 'signature');
  });

  it('refuses an ID token with another nonce, issuer or audience, or a missing one', async () => {
    await expectRefused(await comeBack({ nonce: 'another' }), '"nonce"');
    await expectRefused(await comeBack({ iss: 'http://localhost:1' }), '"iss"');
    await expectRefused(await comeBack({ aud: 'another' }), '"aud"');
    await expectRefused(await comeBack({}, { id_token: undefined }), 'id_token');
  });

  it('never shows or logs the tokens of a refused answer', async () => {
    const response = await comeBack({}, { access_token: 'top-secret', token_type: 'strange' });
    expect(await response.text()).not.to.contain('top-secret');
    expect(JSON.stringify(demo.lines)).not.to.include('top-secret').and.not.to.match(JWT);
  });

  it('takes a new key at once, even though discovery is cached for a minute', async () => {
    await comeBack({});
    await fake.rotateKey();
    expect((await comeBack({})).status).to.equal(302);
    expect(fake.discoveries).to.equal(2);
    expect((await refreshWith({ email: 'new@example.com' })).status).to.equal(303);
    expect(factOf((await home()).data.claims, 'email')).to.equal('new@example.com');
    expect(fake.discoveries).to.equal(2);
    moveTestClock(61_000);
    expect((await refreshWith({})).status).to.equal(303);
    expect(fake.discoveries).to.equal(3);
  });

  it('refuses a refreshed ID token of another person', async () => {
    await comeBack({});
    const words = 'The refreshed ID token is about another sign-in.';
    await expectError(await refreshWith({ sub: 'bob' }), 502, words);
    await expectError(await refreshWith({ nonce: 'another' }), 502, words);
    expect(factOf((await home()).data.claims, 'sub')).to.equal('ada');
  });

  it('asks once for two refreshes at the same time', async () => {
    await comeBack({});
    const { csrf = '' } = (await home()).data;
    fake.answer = async () => {
      await pause(300);
      return { status: 200, body: bearer };
    };
    const post = () => browser.post(`${demo.url}/refresh`, { csrf });
    const responses = await Promise.all([post(), post()]);
    expect(responses.map(({ status }) => status)).to.deep.equal([303, 303]);
    expect(fake.requests.map(({ fields }) => fields.get('grant_type'))).to.deep.equal([
      'authorization_code',
      'refresh_token',
    ]);
  });

  it('ends its session when the provider no longer takes the refresh token', async () => {
    await comeBack({});
    const { csrf = '' } = (await home()).data;
    fake.answer = async () => ({ status: 400, body: { error: 'invalid_grant' } });
    const words = 'What this app got from the provider is no longer valid. Sign in again.';
    await expectError(await browser.post(`${demo.url}/refresh`, { csrf }), 400, words);
    expect((await home()).view).to.equal('demo/home');
  });

  it('offers no refresh without a refresh token', async () => {
    await comeBack({}, { refresh_token: undefined });
    const { data } = await home();
    expect(factOf(data.tokens, 'Refresh token')).to.equal('none');
    expect(data.actions).to.deep.equal({ signOut: '/sign-out' });
    const response = await browser.post(`${demo.url}/refresh`, { csrf: data.csrf ?? '' });
    await expectError(response, 400, 'This app has no refresh token.');
  });

  it('signs out here only where the provider has no sign-out', async () => {
    await comeBack({});
    const { csrf = '' } = (await home()).data;
    const response = await browser.post(`${demo.url}/sign-out`, { csrf });
    expect(location(response).href).to.equal(`${demo.url}/`);
    expect((await home()).view).to.equal('demo/home');
  });

  it('says so when its own credentials are wrong or the provider fails', async () => {
    const words = 'The provider does not accept this app.';
    const { searchParams: sent } = location(await browser.ask(`${demo.url}/sign-in`));
    fake.answer = async () => ({ status: 401, body: { error: 'invalid_client' } });
    const answer = { code: 'c', state: sent.get('state') ?? '', iss: fake.issuer };
    const callback = `${demo.url}/callback?${new URLSearchParams(answer)}`;
    await expectError(await browser.ask(callback), 502, words);
    const again = location(await browser.ask(`${demo.url}/sign-in`)).searchParams.get('state');
    fake.answer = async () => ({ status: 500, body: {} });
    answer.state = again ?? '';
    const failed = await browser.ask(`${demo.url}/callback?${new URLSearchParams(answer)}`);
    await expectError(failed, 503, `The provider at ${fake.issuer} does not work properly.`);
  });

  it('hides a failure of its own', async () => {
    await demo.stop();
    const render = () => {
      throw new Error('view is missing');
    };
    demo = await startTestDemo(fake.issuer, await freePort(), { render });
    const response = await browser.ask(`${demo.url}/`);
    expect(response.status).to.equal(500);
    expect(await response.text()).to.equal('Internal Server Error');
    expect(demo.lines.some(({ level }) => level === 'error')).to.equal(true);
  });

  it('marks the cookie secure where its address is https', async () => {
    await demo.stop();
    const baseUrl = 'https://app.example.com';
    const port = await freePort();
    const secureDemo = await startTestDemo(fake.issuer, port, { baseUrl });
    const response = await fetch(`http://localhost:${port}/sign-in`, manual);
    await secureDemo.stop();
    expect(response.headers.get('set-cookie')).to.match(/; SameSite=Lax; Secure$/);
  });

  it('stops although a connection without a request is open', async () => {
    const socket = connect(Number(new URL(demo.url).port), '127.0.0.1');
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    await Promise.all([demo.stop(), demo.stop(), ended]);
    const failure = await fetch(demo.url).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(TypeError);
  });
});

const bearer = {
  access_token: 'access',
  token_type: 'Bearer',
  expires_in: 60,
  refresh_token: 'refresh',
};
