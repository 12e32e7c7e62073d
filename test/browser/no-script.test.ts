// Everything works in a browser that runs no script.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import type { BrowserContext, Page } from 'playwright-core';
import { sharedBrowser } from '../support/chromium.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, type Person, type RelyingParty } from '../support/relying-party.ts';
import {
  type App,
  alertText,
  answerAt,
  askForDevice,
  askToSignIn,
  createDeviceParty,
  createParty,
  DEVICE_GRANT,
  expectPage,
  mainText,
  press,
  signIn,
  startApp,
} from './helpers.ts';

describe('a browser without script', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let device: RelyingParty;
  let person: Person;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    gatehouse = await startGatehouse();
    app = await startApp();
    party = await createParty(gatehouse, app);
    device = await createDeviceParty(gatehouse, app);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    context = await (await sharedBrowser()).newContext({ javaScriptEnabled: false });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  });
  afterEach(() => context.close());
  after(async () => {
    app.stop();
    await gatehouse.stop();
  });

  const signInAndAllow = async () => {
    await signIn(page, person);
    await expectPage(page, 'Allow access');
    await press(page, 'Allow');
  };

  /** @returns the ID token of a whole sign-in */
  const signInToApp = async (parameters: Record<string, string> = {}): Promise<string> => {
    const verifier = await askToSignIn(page, app, party, parameters);
    await signInAndAllow();
    const { code = '' } = (await answerAt(page, app)).fields;
    const answer = await party.token({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: app.redirectUri,
    });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    return String(answer.body.id_token);
  };

  const askToSignOut = (idToken: string, parameters: Record<string, string> = {}) => {
    const query = new URLSearchParams({ id_token_hint: idToken, ...parameters });
    return page.goto(`${gatehouse.url}/sign-out?${query}`);
  };

  it('signs in, after a mistake, and allows', async () => {
    await askToSignIn(page, app, party);
    await signIn(page, { ...person, password: 'wrong' });
    expect(await alertText(page)).to.include("don't match");
    expect(await page.getByLabel('Email', { exact: true }).inputValue()).to.equal(person.email);
    const idToken = await signInToApp();
    expect(decodeJwt(idToken)).to.include({ sub: person.id });
  });

  it('offers nothing that needs a script', async () => {
    await askToSignIn(page, app, party);
    await expectPage(page, 'Sign in');
    expect(await page.getByRole('button').allTextContents()).to.deep.equal(['Sign in', 'Cancel']);
  });

  it('cancels and denies', async () => {
    await askToSignIn(page, app, party);
    await press(page, 'Cancel');
    expect((await answerAt(page, app)).fields).to.include({ error: 'access_denied' });
    await askToSignIn(page, app, party);
    await signIn(page, person);
    await press(page, 'Deny');
    expect((await answerAt(page, app)).fields).to.include({ error: 'access_denied' });
  });

  it('signs out and comes back to the application', async () => {
    const idToken = await signInToApp();
    const target = `${app.origin}/`;
    await askToSignOut(idToken, { post_logout_redirect_uri: target, state: 'left' });
    await press(page, 'Sign out');
    expect(await answerAt(page, app)).to.deep.equal({
      method: 'GET',
      path: '/',
      fields: { state: 'left' },
    });
    await askToSignIn(page, app, party);
    await expectPage(page, 'Sign in');
  });

  it('stays signed in where that is the answer', async () => {
    const idToken = await signInToApp();
    await askToSignOut(idToken, { post_logout_redirect_uri: `${app.origin}/`, state: 'stayed' });
    await press(page, 'Stay signed in');
    expect((await answerAt(page, app)).fields).to.deep.equal({ state: 'stayed' });
    await askToSignOut(idToken);
    await press(page, 'Stay signed in');
    await page.waitForURL((url) => !url.pathname.startsWith('/sign-out'));
    await page.goto(`${gatehouse.url}/account`);
    await expectPage(page, 'Account');
    expect(await mainText(page)).to.include(person.email);
  });

  it('signs out on the account page', async () => {
    await page.goto(`${gatehouse.url}/account`);
    await signIn(page, person);
    await expectPage(page, 'Account');
    await press(page, 'Sign out');
    await expectPage(page, 'Signed out');
    await page.goto(`${gatehouse.url}/account`);
    await expectPage(page, 'Sign in');
  });

  it('connects a device', async () => {
    const asked = await askForDevice(gatehouse, device.id);
    await page.goto(asked.verification_uri);
    await page.getByLabel('Code', { exact: true }).fill('ABCD-EFGH');
    await press(page, 'Continue');
    expect(await alertText(page)).to.include("That code isn't valid.");
    await page.getByLabel('Code', { exact: true }).fill(asked.user_code);
    await press(page, 'Continue');
    await page.getByText('Example TV').waitFor();
    await press(page, 'Allow');
    await signInAndAllow();
    await expectPage(page, 'Device connected');
    const { device_code: code } = asked;
    const answer = await device.token({ grant_type: DEVICE_GRANT, device_code: code });
    expect(decodeJwt(String(answer.body.id_token))).to.include({ sub: person.id });
  });

  it('posts the answer to an application that asks for it', async () => {
    await askToSignIn(page, app, party, { response_mode: 'form_post', state: 'posted' });
    await signInAndAllow();
    await expectPage(page, 'Returning to Example App');
    await press(page, 'Continue');
    const { method, path, fields } = await answerAt(page, app);
    expect({ method, path }).to.deep.equal({ method: 'POST', path: '/callback' });
    expect(fields).to.include({ state: 'posted', iss: gatehouse.url });
    expect(fields.code).to.match(/^\S{20,}$/);
  });
});
