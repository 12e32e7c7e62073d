// Every page there is: to be seen on a phone and a desktop, by day and by night, and by axe.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { z } from 'zod';
import { rejected } from '../../src/factors/factor.ts';
import { createFactors, type Factor, type FactorNeeds } from '../../src/factors/index.ts';
import { sharedBrowser } from '../support/chromium.ts';
import {
  advanceClock,
  freePort,
  type Gatehouse,
  startGatehouse,
  WITHOUT_FACTOR,
} from '../support/gatehouse.ts';
import { expectGoodLooks } from '../support/looks.ts';
import { createPerson, type Person, type RelyingParty } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';
import {
  type App,
  askForDevice,
  askToSignIn,
  createDeviceParty,
  createParty,
  expectPage,
  press,
  signIn,
  startApp,
} from './helpers.ts';

/** The smallest phone on which the main button is seen without scrolling. */
const SMALLEST = { width: 360, height: 640 };
const API = 'https://calendar.example.com';
const PLAIN_API = 'https://files.example.com';
const API_SCOPES = ['events.read', 'events.write', 'rooms.read', 'rooms.book', 'people.read'];

/** Accounts for which the second step below is due. */
const enrolled = new Set<string>();

/** Second steps as methods of ours bring them: fields in a view, words in the catalogue. */
function methodsWithCodes(needs: FactorNeeds): readonly Factor[] {
  return [...createFactors(needs), codeMethod('code'), codeMethod('other-code')];
}

function codeMethod(name: string): Factor {
  return {
    name,
    step: 'second-factor',
    proves: 'possession',
    amr: ['otp'],
    input: z.object({ code: z.string().min(1, 'device.code-missing') }),
    page: {
      view: join(import.meta.dirname, 'code.ejs'),
      title: 'sign-in.title',
      button: 'device-code.submit',
      link: 'common.start-again',
      texts: 'second-factor',
    },
    isEnrolled: async (id) => enrolled.has(id),
    verify: async () => rejected('always'),
  };
}

/** Writes down what no page may do. */
async function watch(context: BrowserContext, allowed: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  await context.addInitScript(`addEventListener('securitypolicyviolation', (event) => {
    console.error(event.violatedDirective + ' forbids ' + event.blockedURI);
  })`);
  context.on('weberror', (error) => faults.push(String(error.error())));
  context.on('console', (message) => {
    // Chromium reports the status of error pages, which is as it should be.
    const isStatus = message.location().url === message.page()?.url();
    if (message.type() === 'error' && !isStatus) faults.push(message.text());
  });
  context.on('request', (request) => {
    const { origin } = new URL(request.url());
    if (!allowed.includes(origin)) faults.push(`a request to ${request.url()}`);
  });
  return faults;
}

describe('every page', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let device: RelyingParty;
  let person: Person;
  let demo: string;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  const start = async () => {
    const database = await SQLITE.createMigrated();
    const extra = join(database.dataDir, 'extra.json');
    const descriptions = { 'events.read': 'See your appointments' };
    const named = { identifier: API, name: 'Your calendar', scopes: API_SCOPES, descriptions };
    const resources = [named, { identifier: PLAIN_API, scopes: ['files.read'] }];
    const support = { contact: 'help@example.com' };
    writeFileSync(extra, JSON.stringify({ resources, support, ...WITHOUT_FACTOR }));
    const demoPort = await freePort();
    demo = `http://localhost:${demoPort}`;
    const env = { NODE_ENV: 'development', DEMO_PORT: `${demoPort}`, GATEHOUSE_CONFIG: extra };
    return startGatehouse({ database, env, factors: methodsWithCodes });
  };

  before(async () => {
    gatehouse = await start();
    app = await startApp();
    party = await createParty(gatehouse, app, { resources: [API, PLAIN_API] });
    device = await createDeviceParty(gatehouse, app);
    context = await (await sharedBrowser()).newContext({ reducedMotion: 'reduce' });
    faults = await watch(context, [gatehouse.url, demo]);
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  });
  beforeEach(async () => {
    await context.clearCookies();
    person = await createPerson(gatehouse);
    faults.length = 0;
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(async () => {
    await context.close();
    app.stop();
    await gatehouse.stop();
  });

  const ask = (parameters: Record<string, string> = {}) =>
    askToSignIn(page, app, party, parameters);

  const askAndSignIn = async (parameters: Record<string, string> = {}) => {
    await ask(parameters);
    await signIn(page, person);
  };

  const openAccount = async () => {
    await page.goto(`${gatehouse.url}/account`);
    await signIn(page, person);
    await expectPage(page, 'Account');
  };

  const openDevice = async () => {
    const { user_code: code, verification_uri: address } = await askForDevice(gatehouse, device.id);
    await page.goto(address);
    await page.getByLabel('Code', { exact: true }).fill(code);
    await press(page, 'Continue');
    await expectPage(page, 'Connect a device');
    await page.getByText(code).waitFor();
  };

  const signInToDemo = async () => {
    const file = join(gatehouse.database.dataDir, 'demo.json');
    const [first] = JSON.parse(readFileSync(file, 'utf8'));
    await page.goto(`${demo}/sign-in`);
    await signIn(page, first);
    await expectPage(page, 'Allow access');
    await press(page, 'Allow');
    await expectPage(page, 'Signed in');
  };

  /** Nothing that a script, axe or a ruler finds. */
  const inspect = async (name: string) => {
    expect(await page.getByRole('heading', { level: 1 }).count(), 'headings').to.equal(1);
    expect(faults).to.deep.equal([]);
    await expectGoodLooks(page, name);
  };

  const expectInSight = async (role: 'button' | 'link', name: string) => {
    await page.setViewportSize(SMALLEST);
    const box = await page.getByRole(role, { name, exact: true }).boundingBox();
    if (!box) throw new Error(`there is no ${role} "${name}"`);
    expect(box.y).to.be.at.least(0);
    expect(box.y + box.height).to.be.at.most(SMALLEST.height);
    expect(box.height, 'height of the main button').to.be.at.least(44);
  };

  /** @param main role and name of what most people want of the page */
  const looksRight = (
    name: string,
    heading: string,
    main: readonly ['button' | 'link', string] | undefined,
    open: () => Promise<unknown>,
  ) =>
    it(name, async () => {
      await open();
      await expectPage(page, heading);
      await inspect(name);
      if (main) await expectInSight(...main);
    });

  const SIGN_IN = ['button', 'Sign in'] as const;
  const CONTINUE = ['button', 'Continue'] as const;
  const START_AGAIN = ['link', 'Start again'] as const;

  looksRight('sign-in', 'Sign in', SIGN_IN, () => ask());

  looksRight('sign-in-hint', 'Sign in', SIGN_IN, () => ask({ login_hint: person.email }));

  looksRight('sign-in-refused', 'Sign in', SIGN_IN, async () => {
    await ask();
    await signIn(page, { ...person, password: 'wrong' });
    await page.getByRole('alert').waitFor();
  });

  looksRight('sign-in-empty', 'Sign in', SIGN_IN, async () => {
    await ask();
    await press(page, 'Sign in');
    await page.getByText('Enter your password.').waitFor();
  });

  const askForCode = async () => {
    enrolled.add(person.id);
    await askAndSignIn();
    await page.getByLabel('6-digit code').waitFor();
  };

  looksRight('second-factor', 'Sign in', CONTINUE, askForCode);

  looksRight('second-factor-refused', 'Sign in', CONTINUE, async () => {
    await askForCode();
    await page.getByLabel('6-digit code').fill('123456');
    await press(page, 'Continue');
    await page.getByRole('alert').waitFor();
  });

  looksRight('second-factor-empty', 'Sign in', CONTINUE, async () => {
    await askForCode();
    await press(page, 'Continue');
    await page.getByRole('alert').waitFor();
  });

  looksRight('consent', 'Allow access', ['button', 'Allow'], () => askAndSignIn());

  looksRight(
    'no-access',
    "You don't have access to Payroll",
    ['button', 'Back to Payroll'],
    async () => {
      const { client } = await gatehouse.core.clients.create({
        client_name: 'Payroll',
        redirect_uris: [app.redirectUri],
        require_role: 'payroll',
      });
      await openAccount();
      await ask({ client_id: client.id });
    },
  );

  // The list comes before the buttons: nothing sticks over it.
  looksRight(
    'select-account',
    'Choose an account',
    ['button', 'Use a different account'],
    async () => {
      await openAccount();
      await ask({ prompt: 'select_account', login_hint: 'somebody.else@example.com' });
    },
  );

  looksRight('consent-long', 'Allow access', undefined, () =>
    askAndSignIn({
      scope: ['openid profile email offline_access', ...API_SCOPES].join(' '),
      resource: API,
      prompt: 'consent',
    }),
  );

  it('asks for the access to a resource by its name, if it has one', async () => {
    const [read] = API_SCOPES;
    const [list, plain] = [`openid ${read} events.write`, 'openid files.read'];
    const requested = page.getByRole('list', { name: 'Requested access' });
    const items = async () =>
      (await requested.locator('p, ul li').allInnerTexts()).map((text) => text.split('\n')[0]);
    await askAndSignIn({ scope: list, resource: API, prompt: 'consent' });
    expect((await items()).slice(-4)).to.deep.equal([
      'Your calendar',
      API,
      'See your appointments',
      'events.write',
    ]);
    await ask({ scope: plain, resource: PLAIN_API, prompt: 'consent' });
    expect((await items()).slice(-2)).to.deep.equal([PLAIN_API, 'files.read']);
  });

  looksRight('error-unknown-client', 'Something went wrong', undefined, async () => {
    await page.goto(party.url({ client_id: 'nobody' }).url);
  });

  looksRight('error-return-address', 'Something went wrong', undefined, async () => {
    await page.goto(party.url({ redirect_uri: 'http://localhost:1/' }).url);
  });

  looksRight('error-not-found', 'Something went wrong', undefined, async () => {
    await page.goto(`${gatehouse.url}/nowhere`);
  });

  looksRight('expired', 'Your sign-in expired', ['button', 'Start again'], async () => {
    await ask();
    await expectPage(page, 'Sign in');
    await gatehouse.advance('16m');
    await page.reload();
  });

  looksRight('expired-for-good', 'Your sign-in expired', START_AGAIN, async () => {
    await ask();
    await expectPage(page, 'Sign in');
    await gatehouse.advance('61m');
    await page.reload();
  });

  looksRight('cookies-needed', 'Cookies are needed', START_AGAIN, async () => {
    await ask();
    await expectPage(page, 'Sign in');
    await context.clearCookies();
    await page.reload();
  });

  looksRight('sign-out', 'Sign out', ['button', 'Sign out'], async () => {
    await openAccount();
    await page.goto(`${gatehouse.url}/sign-out`);
  });

  looksRight('sign-out-by-client', 'Sign out', ['button', 'Sign out'], async () => {
    await openAccount();
    await page.goto(`${gatehouse.url}/sign-out?client_id=${party.id}`);
  });

  looksRight('signed-out', 'Signed out', undefined, async () => {
    await openAccount();
    await press(page, 'Sign out');
  });

  looksRight('signed-out-of-client', 'Signed out', ['link', 'Back to Example App'], () =>
    page.goto(`${gatehouse.url}/sign-out/success?client_id=${party.id}`),
  );

  looksRight('account', 'Account', ['button', 'Sign out'], openAccount);

  looksRight('account-cancelled', 'Account', ['link', 'Sign in'], async () => {
    await page.goto(`${gatehouse.url}/account`);
    await press(page, 'Cancel');
  });

  looksRight('device-code', 'Connect a device', CONTINUE, () =>
    page.goto(`${gatehouse.url}/device`),
  );

  looksRight('device-code-refused', 'Connect a device', CONTINUE, async () => {
    await page.goto(`${gatehouse.url}/device`);
    await page.getByLabel('Code', { exact: true }).fill('ABCD-EFGH');
    await press(page, 'Continue');
    await page.getByRole('alert').waitFor();
  });

  looksRight('device-code-prefilled', 'Connect a device', CONTINUE, async () => {
    const asked = await askForDevice(gatehouse, device.id);
    await page.goto(asked.verification_uri_complete);
    const typed = await page.getByLabel('Code', { exact: true }).inputValue();
    expect(typed).to.equal(asked.user_code);
  });

  looksRight('device-confirm', 'Connect a device', ['button', 'Allow'], openDevice);

  looksRight('device-denied', 'Connect a device', CONTINUE, async () => {
    await openDevice();
    await press(page, 'Deny');
    await page.getByText('You denied access.').waitFor();
  });

  looksRight('device-done', 'Device connected', undefined, async () => {
    await openDevice();
    await press(page, 'Allow');
    await signIn(page, person);
    await expectPage(page, 'Allow access');
    await press(page, 'Allow');
  });

  looksRight('form-post', 'Returning to Example App', CONTINUE, async () => {
    // The page sends itself: only without its script does it stay to be seen.
    await page.route('**/submit.js*', (route) => route.fulfill({ contentType: 'text/javascript' }));
    await askAndSignIn({ response_mode: 'form_post' });
    await press(page, 'Allow');
    await expectPage(page, 'Returning to Example App');
    await page.unrouteAll();
  });

  looksRight('demo-home', 'Welcome', ['link', 'Sign in'], () => page.goto(demo));

  looksRight('demo-signed-in', 'Signed in', ['button', 'Refresh'], signInToDemo);

  looksRight('demo-error', "Sign-in didn't finish", ['link', 'Start over'], async () => {
    await page.goto(`${demo}/sign-in`);
    await press(page, 'Cancel');
  });
});
