// A single-page application with the published oidc-client-ts: everything a browser does by itself.
import { expect } from 'chai';
import type { BrowserContext, Page, Request } from 'playwright-core';
import { sharedBrowser } from '../support/chromium.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, type Person } from '../support/relying-party.ts';
import { type Spa, startSpa } from '../support/spa.ts';
import { expectPage, press, signIn } from './helpers.ts';

interface Shown {
  readonly error?: string;
  readonly user?: null;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly profile?: Readonly<Record<string, unknown>>;
}

describe('a single-page application', () => {
  let gatehouse: Gatehouse;
  let person: Person;
  /** With refresh tokens, and without. */
  let keeper: Spa;
  let framer: Spa;
  let context: BrowserContext;
  let page: Page;
  let requests: Request[];

  const register = async (clientId: string, refreshTokens: boolean) => {
    const spa = await startSpa({ issuer: gatehouse.url, clientId, refreshTokens });
    await gatehouse.core.clients.create(spa.metadata, { id: clientId });
    return spa;
  };

  before(async () => {
    gatehouse = await startGatehouse();
    keeper = await register('keeper', true);
    framer = await register('framer', false);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    context = await (await sharedBrowser()).newContext();
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    requests = [];
    page.on('request', (request) => requests.push(request));
  });
  afterEach(() => context.close());
  after(async () => {
    keeper.stop();
    framer.stop();
    await gatehouse.stop();
  });

  const shown = async (): Promise<Shown> => {
    const done = page.locator('output', { hasText: /^(?!.*"busy":true)./ });
    return JSON.parse((await done.textContent()) ?? '');
  };

  /** Everything from the button to the tokens. */
  const signInTo = async (spa: Spa): Promise<Shown> => {
    await page.goto(spa.origin);
    await press(page, 'Sign in');
    await expectPage(page, 'Sign in');
    await signIn(page, person);
    await expectPage(page, 'Allow access');
    await press(page, 'Allow');
    await page.waitForURL(`${spa.origin}/callback?**`);
    return shown();
  };

  const sent = (path: string) =>
    requests.filter((request) => request.url().startsWith(`${gatehouse.url}${path}`));
  const grantsSent = () =>
    sent('/token').map((request) =>
      new URLSearchParams(request.postData() ?? '').get('grant_type'),
    );

  it('signs in with code and PKCE, and reads userinfo, across origins', async () => {
    const user = await signInTo(keeper);
    expect(user.profile).to.include({ sub: person.id, email: person.email, name: 'Test Person' });
    expect(user.access_token).to.be.a('string');
    const [authorization] = sent('/authorize?');
    const asked = new URL(authorization?.url() ?? '').searchParams;
    expect(asked.get('code_challenge_method')).to.equal('S256');
    const [redeemed] = sent('/token');
    expect(new URLSearchParams(redeemed?.postData() ?? '').get('code_verifier')).to.have.length(96);
    const [userinfo] = sent('/userinfo').filter((request) => request.method() === 'GET');
    expect(await userinfo?.headerValue('origin')).to.equal(keeper.origin);
  });

  it('renews with its refresh token, which is another one afterwards', async () => {
    const before = await signInTo(keeper);
    await press(page, 'Renew');
    const after = await shown();
    expect(grantsSent()).to.deep.equal(['authorization_code', 'refresh_token']);
    expect(after.access_token).to.be.a('string').and.not.equal(before.access_token);
    expect(after.refresh_token).to.be.a('string').and.not.equal(before.refresh_token);
    expect(after.profile).to.include({ sub: person.id });
  });

  it('renews in an iframe where it has no refresh token', async () => {
    const before = await signInTo(framer);
    expect(before.refresh_token).to.equal(undefined);
    await press(page, 'Renew');
    const after = await shown();
    expect(grantsSent()).to.deep.equal(['authorization_code', 'authorization_code']);
    const silent = sent('/authorize?').find((request) => request.url().includes('prompt=none'));
    expect(silent?.frame().parentFrame()).to.equal(page.mainFrame());
    expect(after.access_token).to.be.a('string').and.not.equal(before.access_token);
    expect(after.profile).to.include({ sub: person.id });
  });

  it('signs out with its ID token as a hint, and comes back signed out', async () => {
    const { id_token: idToken } = await signInTo(framer);
    await press(page, 'Sign out');
    await expectPage(page, 'Sign out');
    const asked = new URL(page.url()).searchParams;
    expect(asked.get('id_token_hint')).to.equal(idToken);
    await press(page, 'Sign out');
    await page.waitForURL(`${framer.origin}/signed-out`);
    expect(await shown()).to.deep.equal({ user: null });
    // The provider's session has ended too.
    await press(page, 'Renew');
    expect(await shown()).to.deep.equal({ error: 'login_required' });
  });

  it('reads the answers of the token endpoint from its own origin alone', async () => {
    const { refresh_token: refreshToken = '' } = await signInTo(keeper);
    const fields = { client_id: 'keeper', grant_type: 'refresh_token' };
    const ask = (token: string) =>
      page.evaluate(readToken, {
        url: `${gatehouse.url}/token`,
        body: new URLSearchParams({ ...fields, refresh_token: token }).toString(),
      });
    expect(await ask('none')).to.include('"error":"invalid_grant"');
    // The same files, but another origin to a browser.
    await page.goto(keeper.origin.replace('localhost', '127.0.0.1'));
    expect(await ask('none')).to.equal('TypeError');
    expect(await ask(refreshToken)).to.equal('TypeError');
  });
});

/** Runs in the page. */
async function readToken({ url, body }: { url: string; body: string }): Promise<string> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  try {
    return await (await fetch(url, { method: 'POST', headers, body })).text();
  } catch (error) {
    return (error as Error).name;
  }
}
