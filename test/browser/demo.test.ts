// What a newcomer gets: one command, a demo application beside the provider, and a way to try it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { freePort } from '../support/gatehouse.ts';
import { onOneStore, type TestDatabase } from '../support/stores.ts';
import { alertText, expectPage, mainText, press, signIn } from './helpers.ts';

interface Served {
  readonly demo: string;
  readonly person: { readonly email: string; readonly password: string };
}

/** As the command line starts it: nothing of this process's environment but the path. */
function launch(database: TestDatabase, port: number, demoPort: number): ChildProcess {
  const { PATH } = process.env;
  // A stop that waits for what it need not outlasts the test.
  const patient = join(database.dataDir, 'patient.json');
  writeFileSync(patient, JSON.stringify({ http: { stop_timeout: 300 } }));
  return spawn(join(PROJECT_ROOT, 'bin/gatehouse'), ['serve'], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH,
      NODE_ENV: 'development',
      PORT: String(port),
      DEMO_PORT: String(demoPort),
      DATA_DIR: database.dataDir,
      GATEHOUSE_CONFIG: patient,
      ...(database.url ? { DATABASE_URL: database.url } : {}),
    },
  });
}

/** What it says of itself, once it has said all. */
async function announced({ stdout, stderr }: ChildProcess): Promise<Served> {
  if (!stdout || !stderr) throw new Error('no output to read');
  let complaints = '';
  stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const said = new Map<string, string>();
  for await (const line of createInterface({ input: stdout })) {
    const [name = '', value] = line.split(': ');
    if (value !== undefined) said.set(name, value);
    if (said.has('Demo sign-in')) break;
  }
  const [email, password] = said.get('Demo sign-in')?.split(' / ') ?? [];
  const demo = said.get('Demo application');
  if (!demo || !email || !password) throw new Error(`it did not start: ${complaints}`);
  return { demo, person: { email, password } };
}

/** The account is in its days of grace, which is offered before it goes on. */
async function signInLater(page: Page, person: Served['person']): Promise<void> {
  await signIn(page, person);
  await expectPage(page, 'Set up two-factor authentication');
  await press(page, 'Remind me later');
}

async function rowsShown(page: Page, table: string): Promise<Record<string, string>> {
  const rows = await page.getByRole('table', { name: table }).getByRole('row').all();
  const pairs = rows.map(async (row) => [
    await row.getByRole('rowheader').textContent(),
    await row.getByRole('cell').textContent(),
  ]);
  return Object.fromEntries(await Promise.all(pairs));
}

onOneStore('the demo', (store) => {
  let database: TestDatabase;
  let child: ChildProcess;
  let served: Served;
  let url: string;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    database = await store.create();
    const port = await freePort();
    url = `http://localhost:${port}`;
    child = launch(database, port, await freePort());
    served = await announced(child);
  });
  beforeEach(async () => {
    context = await (await sharedBrowser()).newContext();
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  });
  afterEach(() => context.close());
  after(() => {
    child.kill('SIGKILL');
    database.remove();
  });

  const start = async () => {
    await page.goto(served.demo);
    await page.getByRole('link', { name: 'Sign in', exact: true }).click();
    await expectPage(page, 'Sign in');
  };

  it('keeps the password of its demo account for its owner alone', () => {
    const file = join(database.dataDir, 'demo.json');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))[0]).to.include(served.person);
  });

  it('has accounts that show the ways to sign in, and says which', () => {
    const people = JSON.parse(readFileSync(join(database.dataDir, 'demo.json'), 'utf8'));
    expect(people.map(({ email }: { email: string }) => email)).to.deep.equal([
      'demo@example.com',
      'enrolled@example.com',
      'legacy@example.com',
      'new@example.com',
    ]);
    for (const each of people) expect(each.shows).to.be.a('string');
  });

  const PAGES = [
    ['enrolled@example.com', 'Two-factor authentication'],
    ['legacy@example.com', 'Update your password'],
    ['new@example.com', 'Set up two-factor authentication'],
  ] as const;
  for (const [email, heading] of PAGES) {
    it(`shows ${email} the page ${heading}`, async () => {
      const people = JSON.parse(readFileSync(join(database.dataDir, 'demo.json'), 'utf8'));
      const person = people.find((each: { email: string }) => each.email === email);
      await start();
      await signIn(page, person);
      await expectPage(page, heading);
      if (!person.totp_secret) return;
      await page.getByLabel('6-digit code', { exact: true }).fill(codeFor(person.totp_secret));
      await press(page, 'Verify & Login');
      await expectPage(page, 'Save your backup codes');
    });
  }

  it('leads back with plain words from Deny', async () => {
    await start();
    await signInLater(page, served.person);
    await expectPage(page, 'Allow access');
    await press(page, 'Deny');
    await expectPage(page, "Sign-in didn't finish");
    expect(await alertText(page)).to.include('You cancelled the sign-in.');
    expect(new URL(page.url()).origin).to.equal(served.demo);
  });

  it('leads back with plain words from Cancel', async () => {
    await start();
    await press(page, 'Cancel');
    await expectPage(page, "Sign-in didn't finish");
    expect(await alertText(page)).to.include('You cancelled the sign-in.');
    await page.getByRole('link', { name: 'Start over' }).click();
    await expectPage(page, 'Welcome');
    expect(new URL(page.url()).origin).to.equal(served.demo);
  });

  it('signs in after a wrong password, refreshes, signs out, and asks again', async () => {
    await start();
    await signIn(page, { ...served.person, password: 'not this one' });
    expect(await alertText(page)).to.equal(
      "That email and password don't match. Check both and try again. " +
        '4 attempts left before a pause of 15 minutes.',
    );
    expect(await page.getByLabel('Email', { exact: true }).inputValue()).to.equal(
      served.person.email,
    );
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).to.equal('');
    await page.getByLabel('Password', { exact: true }).fill(served.person.password);
    await press(page, 'Sign in');
    await expectPage(page, 'Set up two-factor authentication');
    await press(page, 'Remind me later');

    await expectPage(page, 'Allow access');
    const asked = page.getByRole('list', { name: 'Requested access' });
    expect(await asked.textContent()).to.include('See your email address');
    await press(page, 'Allow');

    await expectPage(page, 'Signed in');
    const claims = await rowsShown(page, 'ID token');
    expect(claims).to.include({ acr: 'urn:gatehouse:acr:password', amr: '["pwd"]' });
    expect(claims.sub).to.match(/^\S{8,}$/);
    expect(await mainText(page)).to.include(served.person.email);

    const before = await rowsShown(page, 'Access');
    await press(page, 'Refresh');
    await page.getByText(before['Access token expires'] ?? '').waitFor({ state: 'detached' });
    await expectPage(page, 'Signed in');
    const after = await rowsShown(page, 'Access');
    expect(after['Access token expires']).not.to.equal(before['Access token expires']);
    const refreshed = await rowsShown(page, 'ID token');
    expect(refreshed).to.include({ sub: claims.sub, auth_time: claims.auth_time });

    await press(page, 'Sign out');
    await expectPage(page, 'Sign out');
    expect(await mainText(page)).to.include(served.person.email);
    await press(page, 'Sign out');
    await expectPage(page, 'Welcome');
    expect(page.url()).to.equal(`${served.demo}/`);

    await page.getByRole('link', { name: 'Sign in', exact: true }).click();
    await expectPage(page, 'Sign in');
    await signInLater(page, served.person);
    await expectPage(page, 'Signed in');
  });

  it('has account pages with a sign-in and a sign-out of their own', async () => {
    await page.goto(`${url}/account`);
    await signInLater(page, served.person);
    await expectPage(page, 'Account');
    expect(new URL(page.url()).pathname).to.equal('/account');
    expect(await mainText(page)).to.include(served.person.email);
    // The other ones are for other sessions.
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await expectPage(page, 'Signed out');
    await page.goto(`${url}/account`);
    await expectPage(page, 'Sign in');
  });

  it('stops at Ctrl-C, also while a browser is there', async () => {
    await start();
    await signInLater(page, served.person);
    await expectPage(page, 'Signed in');
    // Browsers open connections in advance, on which nothing is asked yet.
    const spare = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
    await once(spare, 'connect');
    const exit = once(child, 'exit');
    child.kill('SIGINT');
    const [code] = await exit;
    expect(code).to.equal(0);
    for (const address of [url, served.demo]) {
      expect(await fetch(address).catch((error: Error) => error)).to.be.instanceOf(TypeError);
    }
  });
});
