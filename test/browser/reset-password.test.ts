// Forgot your password? and Choose a new password, in a browser: looks, keyboard, no script, no Referer.
import { expect } from 'chai';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { sharedBrowser } from '../support/chromium.ts';
import { advanceClock, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { expectGoodLooks } from '../support/looks.ts';
import { lastMailTo, linksTo } from '../support/mailbox.ts';
import { createPerson, type Person, type RelyingParty } from '../support/relying-party.ts';
import { askForLink, DONE, RESET, VOID } from '../support/reset-link.ts';
import { NEW_PASSWORD } from '../support/weak-person.ts';
import {
  type App,
  alertText,
  answerAt,
  askToSignIn,
  createParty,
  expectFocus,
  expectPage,
  mainText,
  press,
  signIn,
  startApp,
} from './helpers.ts';

/** The smallest phone on which the main button is seen without scrolling. */
const SMALLEST = { width: 360, height: 640 };
const FORGOT = 'Forgot your password?';
const SENT = 'Check your email';

describe('resetting a password in a browser', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let person: Person;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  before(async () => {
    gatehouse = await startGatehouse();
    app = await startApp();
    party = await createParty(gatehouse, app);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    await open();
  });
  afterEach(async () => {
    await context.close();
    await advanceClock(gatehouse.url, undefined);
  });
  after(async () => {
    app.stop();
    await gatehouse.stop();
  });

  const open = async (options: BrowserContextOptions = {}) => {
    await context?.close();
    context = await (await sharedBrowser()).newContext({ reducedMotion: 'reduce', ...options });
    faults = [];
    context.on('weberror', (error) => faults.push(String(error.error())));
    context.on('console', (message) => {
      const isStatus = message.location().url === message.page()?.url();
      if (message.type() === 'error' && !isStatus) faults.push(message.text());
    });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  };

  const inspect = async (name: string, main?: string) => {
    expect(await page.getByRole('heading', { level: 1 }).count(), 'headings').to.equal(1);
    expect(faults).to.deep.equal([]);
    await expectGoodLooks(page, name);
    if (main) await expectInSight(main);
  };
  const expectInSight = async (name: string) => {
    await page.setViewportSize(SMALLEST);
    const named = { name, exact: true };
    const box = await page
      .getByRole('button', named)
      .or(page.getByRole('link', named))
      .boundingBox();
    if (!box) throw new Error(`there is nothing to press named "${name}"`);
    expect(box.y + box.height, 'end of the main button').to.be.at.most(SMALLEST.height);
    expect(box.height, 'height of the main button').to.be.at.least(44);
  };
  const field = (name: string) => page.getByLabel(name, { exact: true });
  const follow = (name: string) => page.getByRole('link', { name, exact: true }).click();
  const newLink = () => askForLink(gatehouse, person.email);
  const send = async (password: string) => {
    await field('New password').fill(password);
    await field('Confirm new password').fill(password);
    await press(page, 'Update password');
  };

  it('from the sign-in to the mail and back', async () => {
    await askToSignIn(page, app, party);
    await follow('Forgot password?');
    await expectPage(page, FORGOT);
    await inspect('forgot-password', 'Send reset link');
    await field('Email').fill(person.email);
    await press(page, 'Send reset link');
    await expectPage(page, SENT);
    expect(await mainText(page)).to.include(person.email);
    await inspect('forgot-password-sent', 'Back to sign in');
    await follow('Back to sign in');
    await expectPage(page, 'Sign in');
    const [link = ''] = await linksTo(gatehouse, person.email);
    const other = await context.newPage();
    await other.goto(link);
    await other.getByRole('button', { name: 'Continue', exact: true }).click();
    await other.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
    await other.getByLabel('Confirm new password', { exact: true }).fill(NEW_PASSWORD);
    await other.getByRole('button', { name: 'Update password', exact: true }).click();
    await expectPage(other, DONE);
    await signIn(page, { email: person.email, password: NEW_PASSWORD });
    await expectPage(page, 'Allow access');
    await press(page, 'Allow');
    expect((await answerAt(page, app)).fields).to.have.property('code');
  });

  it('says what is missing in the address', async () => {
    await page.goto(`${gatehouse.url}/forgot-password`);
    await press(page, 'Send reset link');
    await page.getByText('Enter your email address.').waitFor();
    expect(await alertText(page)).to.equal('Check the marked fields.');
    await field('Email').fill('nobody');
    await press(page, 'Send reset link');
    await page.getByText("That doesn't look like an email address.").waitFor();
    expect(await field('Email').inputValue()).to.equal('nobody');
    await inspect('forgot-password-refused', 'Send reset link');
  });

  it('from the link over the button to the form, live, and to the end', async () => {
    await page.goto(await newLink());
    await expectPage(page, RESET);
    await inspect('reset-link', 'Continue');
    await press(page, 'Continue');
    await field('New password').waitFor();
    expect(await mainText(page)).to.include(person.email);
    await inspect('reset-password');
    const answer = page.waitForResponse((response) => response.url().endsWith('/check'));
    await field('New password').fill('Kangaroo-1');
    await answer;
    await page.getByText('Not met yet: Not a common password or a single word').waitFor();
    await page.getByText('Met: An uppercase letter').waitFor();
    await send('abcd1234');
    await page.getByRole('alert').waitFor();
    expect(await alertText(page)).to.equal('Check the marked fields.');
    await inspect('reset-password-refused');
    await send(NEW_PASSWORD);
    await expectPage(page, DONE);
    await inspect('reset-password-done', 'Sign in');
    await follow('Sign in');
    await expectPage(page, 'Sign in');
    await signIn(page, { email: person.email, password: NEW_PASSWORD });
    await expectPage(page, 'Account');
  });

  it('tells no other address where it was: no Referer, and nothing in the history but the link', async () => {
    const requests: Array<{ url: string; referer: string | undefined }> = [];
    page.on('request', async (request) => {
      const { referer } = await request.allHeaders();
      requests.push({ url: request.url(), referer });
    });
    const link = await newLink();
    await page.goto(link);
    await press(page, 'Continue');
    await field('New password').waitFor();
    expect(page.url()).to.equal(`${gatehouse.url}/reset-password`);
    await send(NEW_PASSWORD);
    await expectPage(page, DONE);
    await follow('Sign in');
    await expectPage(page, 'Sign in');
    expect(requests.length).to.be.greaterThan(8);
    expect(requests.filter(({ referer }) => referer)).to.deep.equal([]);
    const named = requests.filter(({ url }) => url.includes(new URL(link).pathname));
    expect(named.map(({ url }) => url)).to.deep.equal([link, link]);
  });

  it('a used link leads to a new one', async () => {
    const link = await newLink();
    await page.goto(link);
    await press(page, 'Continue');
    await send(NEW_PASSWORD);
    await expectPage(page, DONE);
    await page.goto(link);
    await expectPage(page, VOID);
    await inspect('reset-link-void', 'Forgot password?');
    await follow('Forgot password?');
    await expectPage(page, FORGOT);
    await follow('Back to sign in');
    await expectPage(page, 'Sign in');
  });

  it('says when too many links were wrong', async () => {
    await open();
    const wrong = (time: number) => `${gatehouse.url}/reset-password/wrong-${time}`;
    for (let time = 0; time < 20; time += 1) await fetch(wrong(time));
    await page.goto(wrong(20));
    await expectPage(page, 'Too many invalid links');
    expect(await alertText(page)).to.include('Try again at');
    await inspect('reset-link-limited');
    await page.goto(await newLink());
    await expectPage(page, RESET);
    await gatehouse.advance('15m');
  });

  it('goes by keyboard alone', async () => {
    const tab = async (times = 1) => {
      for (let time = 0; time < times; time += 1) await page.keyboard.press('Tab');
    };
    await page.goto(`${gatehouse.url}/forgot-password`);
    await expectFocus(page, 'Email');
    await page.keyboard.type(person.email);
    await page.keyboard.press('Enter');
    await expectPage(page, SENT);
    const [link = ''] = await linksTo(gatehouse, person.email);
    await page.goto(link);
    await tab();
    await page.keyboard.press('Enter');
    await expectFocus(page, 'New password');
    // A script adds it, and with it a stop for the key.
    await page.getByRole('button', { name: 'Show password' }).first().waitFor();
    await page.keyboard.type(NEW_PASSWORD);
    await tab(2);
    await page.keyboard.type(NEW_PASSWORD);
    await page.keyboard.press('Enter');
    await expectPage(page, DONE);
  });

  it('works without script', async () => {
    await open({ javaScriptEnabled: false });
    await page.goto(`${gatehouse.url}/forgot-password`);
    await field('Email').fill(person.email);
    await press(page, 'Send reset link');
    await expectPage(page, SENT);
    const [link = ''] = await linksTo(gatehouse, person.email);
    await page.goto(link);
    await press(page, 'Continue');
    await send('Sunshine-1999');
    await page.getByRole('alert').waitFor();
    await send(NEW_PASSWORD);
    await expectPage(page, DONE);
  });

  it('the mail itself can be read by day and by night, and fetches nothing', async () => {
    await newLink();
    const { html } = await lastMailTo(gatehouse, person.email);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.setContent(html);
    await expectPage(page, RESET);
    await inspect('mail');
    expect(requests.filter((url) => !url.startsWith('about:'))).to.deep.equal([]);
  });
});
