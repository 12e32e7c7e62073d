// A real browser over https, and a sibling host that sets cookies for the domain both are in.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { loadConfig } from '../../src/config/load.ts';
import { type Running, start } from '../../src/main.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { launchChromium } from '../support/chromium.ts';
import { environment, freePort, WITH_FACTOR } from '../support/gatehouse.ts';
import { rememberHashes } from '../support/hashing.ts';
import { createPerson, type Person, type RelyingParty } from '../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';
import { startTlsDoor, type TlsDoor } from '../support/tls.ts';
import { type App, answerAt, createParty, expectPage, press, signIn, startApp } from './helpers.ts';

const ID = 'id.gatehouse.test';
const EVIL = 'evil.gatehouse.test';
const DOMAIN = 'gatehouse.test';
const TABS = 12;
const MOST = 100;

describe('a browser with a sibling host', function () {
  this.timeout(120_000);
  let door: TlsDoor;
  let issuer: string;
  let evil: string;
  let database: TestDatabase;
  let running: Running;
  let browser: Browser;
  let app: App;
  let party: RelyingParty;
  let person: Person;
  let context: BrowserContext;
  /** What the sibling host answers with. */
  let planting: readonly string[] = [];

  before(async () => {
    door = await startTlsDoor([ID, EVIL]);
    issuer = `https://${ID}:${door.port}`;
    evil = `https://${EVIL}:${door.port}/`;
    database = await SQLITE.createMigrated();
    const port = await freePort();
    const env = { ...WITH_FACTOR, ISSUER: issuer, TEST_CLOCK: '' };
    const config = loadConfig(environment(database, port, env));
    running = await start(config, { hashing: rememberHashes });
    door.serve(ID, port);
    door.serve(EVIL, (_: IncomingMessage, response: ServerResponse) => {
      response.setHeader('Set-Cookie', planting).setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>Evil</title><link rel="icon" href="data:,">');
    });
    app = await startApp();
    const core = { core: running.core, url: issuer };
    party = await createParty(core, app, { first_party: true });
    browser = await launchChromium([
      `--host-resolver-rules=MAP *.${DOMAIN} 127.0.0.1`,
      `--ignore-certificate-errors-spki-list=${door.pin}`,
    ]);
  });
  beforeEach(async () => {
    person = await createPerson(running);
    context = await browser.newContext();
  });
  afterEach(() => context.close());
  after(async () => {
    await browser.close();
    await running.stop();
    app.stop();
    door.stop();
    database.remove();
  });

  const request = (more: Record<string, string> = {}) =>
    party.url({ redirect_uri: app.redirectUri, ...more }).url;
  const namesIn = async (from: BrowserContext) => (await from.cookies()).map(({ name }) => name);
  const resume = (page: Page) => page.url().replace('/sign-in/', '/authorize/');

  const enrol = async (page: Page): Promise<string> => {
    await signIn(page, person);
    await expectPage(page, 'Set up two-factor authentication');
    const address = await page.locator('a[href^="otpauth:"]').first().getAttribute('href');
    const secret = new URL(address ?? '').searchParams.get('secret') ?? '';
    await press(page, 'Next');
    await page.getByLabel('Enter 6-digit code', { exact: true }).fill(codeFor(secret));
    await press(page, 'Verify and Enable 2FA');
    await expectPage(page, 'Save your backup codes');
    await page.getByLabel('I have saved these codes').check();
    await press(page, 'Continue');
    return secret;
  };

  it('is not led into a sign-in that the sibling has begun', async () => {
    const attacker = await browser.newContext();
    const theirs = await attacker.newPage();
    await theirs.goto(request());
    await expectPage(theirs, 'Sign in');
    const begun = theirs.url();
    planting = (await attacker.cookies()).flatMap(({ name, value, path }) => [
      `${name}=${value}; Domain=${DOMAIN}; Path=${path}; Secure; HttpOnly; SameSite=Lax`,
      `${name}=${value}; Path=${path}; Secure`,
      `${name.toLowerCase()}=${value}; Domain=${DOMAIN}; Path=${path}; Secure`,
      `=${name}=${value}; Domain=${DOMAIN}; Path=${path}; Secure`,
      `${name}=${value}; Domain=${DOMAIN}; Path=/sign-in; Secure`,
    ]);

    const page = await context.newPage();
    await page.goto(evil);
    await page.goto(begun);
    await expectPage(page, 'Cookies are needed');
    // With a sign-in of their own begun, and the planting repeated.
    await page.goto(request());
    await expectPage(page, 'Sign in');
    await page.goto(evil);
    const own = await context.newPage();
    await own.goto(request());
    await enrol(own);
    expect((await answerAt(own, app)).fields.code).to.be.a('string');
    await page.goto(begun);
    await expectPage(page, 'Cookies are needed');

    await theirs.goto(resume(theirs));
    expect(await namesIn(attacker)).to.deep.equal(['__Host-gatehouse_sign_in']);
    await attacker.close();
  });

  it('keeps session, trusted device and known browser beside a hundred open sign-ins', async () => {
    const first = await context.newPage();
    await first.goto(request());
    const secret = await enrol(first);
    await answerAt(first, app);
    await first.goto(request({ prompt: 'login' }));
    await signIn(first, person);
    await first.getByLabel('Remember this device').check();
    await first.getByLabel('6-digit code').fill(codeFor(secret, Date.now() + 30_000));
    await press(first, 'Verify & Login');
    await answerAt(first, app);
    const before = await context.cookies(issuer);

    await first.goto(request({ prompt: 'login' }));
    await expectPage(first, 'Sign in');
    planting = [];
    const foreign = await context.newPage();
    await foreign.goto(evil);
    const urls = Array.from({ length: MOST - 1 }, () => request({ prompt: 'login' }));
    await foreign.evaluate(
      (all) =>
        Promise.all(
          all.map((url) =>
            fetch(url, { mode: 'no-cors', credentials: 'include' }).catch(() => undefined),
          ),
        ),
      urls,
    );
    const { store } = running.core;
    const open = store
      .sql('oidc_artifacts')
      .where({ model: 'Interaction' })
      .whereNull('consumed_at');
    const rows = await store.all(store.compile(open));
    const keys = rows.map((row) => row.browser_key);
    expect(keys.filter((key) => key === keys.at(-1))).to.have.length(MOST);

    const after = await context.cookies(issuer);
    expect(after).to.deep.equal(before);
    const names = after.map(({ name }) => name.replace(/device_[\w-]{8}$/, 'device'));
    expect(names).to.include.members([
      '__Host-gatehouse_session',
      '__Host-gatehouse_device',
      '__Host-gatehouse_browser',
      '__Host-gatehouse_sign_in',
    ]);
    await signIn(first, person);
    expect((await answerAt(first, app)).fields.code).to.be.a('string');
  });

  it('opens many tabs at once before it has any cookie, and the first of them signs in', async () => {
    const tabs = await Promise.all(Array.from({ length: TABS }, () => context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(request())));
    for (const tab of tabs) await expectPage(tab, 'Sign in');
    expect(await namesIn(context)).to.deep.equal(['__Host-gatehouse_sign_in']);
    const [first, second] = tabs as [Page, Page];
    await enrol(first);
    expect((await answerAt(first, app)).fields.code).to.be.a('string');
    await second.reload();
    await expectPage(second, 'Sign in');
  });
});
