// Update your password, in a browser: looks, live answers, keyboard, screen reader, and no script.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { sharedBrowser } from '../support/chromium.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { expectGoodLooks } from '../support/looks.ts';
import type { Person, RelyingParty } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';
import { createWeakPerson, NEW_PASSWORD } from '../support/weak-person.ts';
import {
  type App,
  alertText,
  answerAt,
  askToSignIn,
  createParty,
  expectFocus,
  expectPage,
  press,
  signIn,
  startApp,
} from './helpers.ts';

const UPDATE = 'Update your password';
const TRIES = 4;
const REQUIREMENTS = [
  '12 to 128 characters',
  'An uppercase letter',
  'A lowercase letter',
  'A digit',
  'A special character, such as - or !',
  'Not a common password or a single word',
  "Doesn't contain your name or email address",
  'No sequence such as 1234, abcd or qwer',
  'No character four times in a row',
];

describe('Update your password', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let person: Person;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  before(async () => {
    const database = await SQLITE.createMigrated();
    const settings = join(database.dataDir, 'few-tries.json');
    writeFileSync(settings, JSON.stringify({ ...WITHOUT_FACTOR, password: { candidates: TRIES } }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: settings } });
    app = await startApp();
    party = await createParty(gatehouse, app);
  });
  after(async () => {
    app.stop();
    await gatehouse.stop();
  });
  afterEach(() => context.close());

  const open = async (options: { javaScriptEnabled?: boolean } = {}) => {
    context = await (await sharedBrowser()).newContext({ reducedMotion: 'reduce', ...options });
    faults = [];
    context.on('weberror', (error) => faults.push(String(error.error())));
    page = await context.newPage();
    page.on('console', (message) => {
      const isStatus = message.location().url === page.url();
      if (message.type() === 'error' && !isStatus) faults.push(message.text());
    });
    page.setDefaultTimeout(15_000);
    person = await createWeakPerson(gatehouse);
    await askToSignIn(page, app, party);
    await signIn(page, person);
    await expectPage(page, UPDATE);
  };
  const field = (name: string) => page.getByLabel(name, { exact: true });
  const items = () => page.getByRole('list', { name: 'Password requirements' });
  const states = () =>
    items()
      .getByRole('listitem')
      .evaluateAll((all) => all.map((each) => (each as unknown as Item).dataset.state));
  const said = async () => {
    const texts = await items().getByRole('listitem').allTextContents();
    return texts.map((text) => text.replace(/\s+/g, ' ').trim());
  };
  /** The person's name is with the server alone: no password here has it, once that has answered. */
  const type = async (password: string) => {
    await field('New password').fill(password);
    await items().locator('[data-rule="personal"][data-state="met"]').waitFor();
  };
  const send = async (password: string, confirm = password) => {
    await field('New password').fill(password);
    await field('Confirm new password').fill(confirm);
    await press(page, 'Update password');
  };
  const meter = () => page.getByRole('meter', { name: 'Password strength' });
  const inspect = async (name: string) => {
    expect(faults).to.deep.equal([]);
    await expectGoodLooks(page, name);
  };

  it('says what is wanted, and that nothing is met yet', async () => {
    await open();
    expect(await said()).to.deep.equal(REQUIREMENTS.map((text) => `Not met yet: ${text}`));
    expect(await meter().getAttribute('value')).to.equal('0');
    const described = await field('New password').getAttribute('aria-describedby');
    expect(described).to.equal('requirements');
    await inspect('new-password');
  });

  it('ticks off what is met as one types, and leaves the rest neutral', async () => {
    await open();
    await type('Kangaroo');
    expect(await states()).to.deep.equal([
      'open',
      'met',
      'met',
      'open',
      'open',
      'open',
      'met',
      'met',
      'met',
    ]);
    expect((await said())[1]).to.equal('Met: An uppercase letter');
    expect(await page.locator('#strength-word').textContent()).to.equal('Weak');
    expect(await page.locator('#strength-hint').textContent()).to.equal(
      'Use at least 12 characters.',
    );
    await inspect('new-password-typing');
    await type(NEW_PASSWORD);
    expect(new Set(await states())).to.deep.equal(new Set(['met']));
    expect(await page.locator('#strength-word').textContent()).to.equal('Strong');
    expect(await meter().evaluate((each) => (each as unknown as { value: number }).value)).to.equal(
      4,
    );
    await page.getByRole('status').getByText('Strong. 9 of 9 requirements met').waitFor();
    await inspect('new-password-met');
    await field('New password').fill('');
    expect(new Set(await states())).to.deep.equal(new Set(['open']));
  });

  it('names in words what a try did not meet, keeps doing so live, and goes on', async () => {
    await open();
    await send('abcd1234');
    await page.getByRole('alert').waitFor();
    expect(await alertText(page)).to.equal('Check the marked fields.');
    expect(await said()).to.include('Not met: An uppercase letter');
    expect(await field('New password').inputValue()).to.equal('');
    expect(await page.locator('#new_password-error').textContent()).to.include('5 of the');
    await inspect('new-password-refused');
    await type('Abcd1234');
    expect((await states()).slice(0, 3)).to.deep.equal(['unmet', 'met', 'met']);
    await send(NEW_PASSWORD);
    await expectPage(page, 'Allow access');
    await press(page, 'Allow');
    expect((await answerAt(page, app)).fields).to.have.property('code');
  });

  it('shows two that differ, the same as before, and the end of all tries', async () => {
    await open();
    await send(NEW_PASSWORD, 'another');
    await page.getByText("The passwords don't match.").waitFor();
    await inspect('new-password-different');
    for (let tries = 0; tries < TRIES; tries += 1) await send('x');
    await page.getByText('Too many tries').waitFor();
    await inspect('new-password-exhausted');
    await press(page, 'Start again');
    await expectPage(page, 'Sign in');
  });

  it('goes through the keyboard in the order in which one reads it', async () => {
    await open();
    const focused = async () => {
      const snapshot = await page.locator(':focus').ariaSnapshot();
      return /^- (\w+(?: "[^"]*")?)/.exec(snapshot)?.[1];
    };
    await expectFocus(page, 'New password');
    const passed = [];
    for (let left = 6; left > 0; left -= 1) {
      await page.keyboard.press('Tab');
      passed.push(await focused());
    }
    expect(passed).to.deep.equal([
      'button "Show password"',
      'textbox "Confirm new password"',
      'button "Show password"',
      'button "Update password"',
      'button "Cancel"',
      'button "Use a different account"',
    ]);
    await field('New password').focus();
    await page.keyboard.type(NEW_PASSWORD);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type(NEW_PASSWORD);
    await page.keyboard.press('Enter');
    await expectPage(page, 'Allow access');
  });

  it('is spoken as a list, a meter and two fields', async () => {
    await open();
    const tree = await page.getByRole('main').ariaSnapshot();
    expect(tree).to.include('- heading "Update your password" [level=1]');
    expect(tree).to.include('- list "Password requirements"');
    expect(tree).to.match(/- meter "Password strength"/);
    expect(tree).to.include('- textbox "New password"');
    expect(tree).to.include('- textbox "Confirm new password"');
    expect(tree).not.to.include('username');
  });

  it('works without script, every rule judged by the server', async () => {
    await open({ javaScriptEnabled: false });
    expect(await page.getByRole('button').allTextContents()).to.deep.equal([
      'Update password',
      'Cancel',
      'Use a different account',
    ]);
    await send('Sunshine-1999');
    await page.getByRole('alert').waitFor();
    expect(await said()).to.include(`Not met: ${REQUIREMENTS[5]}`);
    await send(NEW_PASSWORD);
    await expectPage(page, 'Allow access');
  });

  it('judges in the page by the very files by which the server judges', async () => {
    await open();
    const served = await (await fetch(`${gatehouse.url}/assets/rules.js`)).text();
    expect(served).to.include('export function unmetRules');
    const imported = `import('/assets/rules.js').then(({ unmetRules, RULES }) =>
      unmetRules('abcd', { min: 12, max: 128, rules: RULES, listed: 'within' }))`;
    expect(await page.evaluate(imported)).to.deep.equal([
      'length',
      'uppercase',
      'digit',
      'special',
      'runs',
    ]);
  });
});

interface Item {
  readonly dataset: { readonly state: string };
}
