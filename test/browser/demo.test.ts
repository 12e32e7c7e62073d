// What a newcomer gets: one command, a demo application beside the provider, and a way to try it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { freePort } from '../support/gatehouse.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { alertText, expectPage, press, signIn } from './helpers.ts';

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
  readonly demo: string;
  readonly person: { readonly email: string; readonly password: string };
}

/** As the command line starts it: nothing of this process's environment but the path. */
async function serve(database: TestDatabase): Promise<Served> {
  const port = await freePort();
  const child = spawn(join(PROJECT_ROOT, 'bin/gatehouse'), ['serve'], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'development',
      PORT: String(port),
      DEMO_PORT: String(await freePort()),
      DATA_DIR: database.dataDir,
      ...(database.url ? { DATABASE_URL: database.url } : {}),
    },
  });
  const [demo = '', signInAs = ''] = await announced(child, ['Demo application: ', 'Demo sign-in: ']);
  const [email = '', password = ''] = signInAs.split(' / ');
  return { child, url: `http://localhost:${port}`, demo, person: { email, password } };
}

/** What stands on its output after each of these beginnings, once all are there. */
async function announced(child: ChildProcess, beginnings: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  if (!child.stdout) throw new Error('no output to read');
  for await (const line of createInterface({ input: child.stdout })) {
    const beginning = beginnings.find((text) => line.startsWith(text));
    if (beginning !== undefined) found.set(beginning, line.slice(beginning.length));
    if (found.size === beginnings.length) break;
  }
  if (found.size < beginnings.length) throw new Error('it ended before it was ready');
  return beginnings.map((beginning) => found.get(beginning) ?? '');
}

async function claimsShown(page: Page): Promise<Record<string, string>> {
  const rows = await page.getByRole('table', { name: 'ID token' }).getByRole('row').all();
  const pairs = rows.map(async (row) => [
    await row.getByRole('rowheader').innerText(),
    await row.getByRole('cell').innerText(),
  ]);
  return Object.fromEntries(await Promise.all(pairs));
}

onBothStores('the demo', (store) => {
  let database: TestDatabase;
  let served: Served;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    database = await store.create();
    served = await serve(database);
  });
  beforeEach(async () => {
    context = await (await sharedBrowser()).newContext();
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  });
  afterEach(() => context.close());
  after(() => {
    served.child.kill('SIGKILL');
    database.remove();
  });

  const start = async () => {
    await page.goto(served.demo);
    await page.getByRole('link', { name: 'Sign in', exact: true }).click();
    await expectPage(page, 'Sign in');
  };

  const signInAndAllow = async () => {
    await start();
    await signIn(page, served.person);
    // Only the first time: the consent is kept.
    const allow = page.getByRole('button', { name: 'Allow', exact: true });
    await page.getByText('Requested access').or(page.getByText('ID token')).waitFor();
    if (await allow.isVisible()) await allow.click();
    await expectPage(page, 'Signed in');
  };

  it('keeps the password of its demo account for its owner alone', () => {
    const file = join(database.dataDir, 'demo.json');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))[0]).to.include(served.person);
  });

  it('leads back with plain words from Deny', async () => {
    await start();
    await signIn(page, served.person);
    await expectPage(page, 'Allow access');
    await press(page, 'Deny');
    await expectPage(page, 'The sign-in did not finish');
    expect(await alertText(page)).to.include('You cancelled the sign-in.');
    expect(new URL(page.url()).origin).to.equal(served.demo);
  });

  it('leads back with plain words from Cancel', async () => {
    await start();
    await press(page, 'Cancel');
    await expectPage(page, 'The sign-in did not finish');
    expect(await alertText(page)).to.include('You cancelled the sign-in.');
    await page.getByRole('link', { name: 'Back to the start' }).click();
    await expectPage(page, 'Welcome');
    expect(new URL(page.url()).origin).to.equal(served.demo);
  });

  it('signs in after a wrong password, refreshes, signs out, and asks again', async () => {
    await start();
    await signIn(page, { ...served.person, password: 'not this one' });
    expect(await alertText(page)).to.equal(
      'That email and password do not match. Check both and try again.',
    );
    expect(await page.getByLabel('Email', { exact: true }).inputValue()).to.equal(
      served.person.email,
    );
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).to.equal('');
    await page.getByLabel('Password', { exact: true }).fill(served.person.password);
    await press(page, 'Sign in');

    await expectPage(page, 'Allow access');
    const asked = page.getByRole('list', { name: 'Requested access' });
    expect(await asked.innerText()).to.include('See your email address');
    await press(page, 'Allow');

    await expectPage(page, 'Signed in');
    const claims = await claimsShown(page);
    expect(claims).to.include({ acr: 'urn:gatehouse:acr:password', amr: '["pwd"]' });
    expect(claims.sub).to.match(/^\S{8,}$/);

    const issued = claims.iat;
    await page.waitForFunction(
      `Date.now() / 1000 > ${Number.parseInt(issued ?? '', 10) + 1}`,
    );
    await press(page, 'Refresh');
    await expectPage(page, 'Signed in');
    const refreshed = await claimsShown(page);
    expect(refreshed.iat).not.to.equal(issued);
    expect(refreshed).to.include({ sub: claims.sub, auth_time: claims.auth_time });

    await press(page, 'Sign out');
    await expectPage(page, 'Sign out');
    expect(await page.locator('main').innerText()).to.include(served.person.email);
    await press(page, 'Sign out');
    await expectPage(page, 'Welcome');
    expect(page.url()).to.equal(`${served.demo}/`);

    await page.getByRole('link', { name: 'Sign in', exact: true }).click();
    await expectPage(page, 'Sign in');
    await signIn(page, served.person);
    await expectPage(page, 'Signed in');
  });

  it('has account pages with a sign-in and a sign-out of their own', async () => {
    await page.goto(`${served.url}/account`);
    await signIn(page, served.person);
    await expectPage(page, 'Account');
    expect(new URL(page.url()).pathname).to.equal('/account');
    expect(await page.locator('main').innerText()).to.include(served.person.email);
    await press(page, 'Sign out');
    await expectPage(page, 'Signed out');
    await page.goto(`${served.url}/account`);
    await expectPage(page, 'Sign in');
  });

  it('stops at Ctrl-C, also while a browser is there', async () => {
    await signInAndAllow();
    const exit = once(served.child, 'exit');
    const since = Date.now();
    served.child.kill('SIGINT');
    const [code] = await exit;
    expect(code).to.equal(0);
    expect(Date.now() - since, 'milliseconds until it stopped').to.be.lessThan(5_000);
    for (const url of [served.url, served.demo]) {
      expect(await fetch(url).catch((error: Error) => error)).to.be.instanceOf(TypeError);
    }
  });
});
