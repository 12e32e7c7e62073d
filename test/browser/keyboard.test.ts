// A sign-in by somebody who has no pointer: what has the focus, in which order, and that it shows.
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { createFactors, type Factor, type FactorNeeds } from '../../src/factors/index.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, type Person, type RelyingParty } from '../support/relying-party.ts';
import {
  type App,
  answerAt,
  askToSignIn,
  createParty,
  expectFocus,
  expectPage,
  startApp,
} from './helpers.ts';

/** In pixels, and 0 where there is none. */
const RING = `(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth);
})()`;

/**
 * Says what stands on the button and what is announced, once the button cannot be pressed any more;
 * and sends the form again, as somebody might who is not patient. The page itself does so, as
 * Playwright stands still while a form is on its way.
 */
const IMPATIENT = `addEventListener('DOMContentLoaded', () => {
  const look = () => {
    const button = document.querySelector('button[data-busy]');
    if (!button?.disabled) return;
    console.info(button.textContent, document.querySelector('[aria-live]').textContent);
    button.form.requestSubmit();
  };
  new MutationObserver(look).observe(document, { subtree: true, attributeFilter: ['disabled'] });
})`;

describe('the keyboard', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let person: Person;
  let context: BrowserContext;
  let page: Page;

  /** How often a password was looked at, and what each look waits for. */
  let attempts = 0;
  let gate: Promise<unknown> | undefined;

  const countedMethods = (needs: FactorNeeds): readonly Factor[] =>
    createFactors(needs).map((factor) => ({
      ...factor,
      verify: async (attempt) => {
        attempts += 1;
        await gate;
        return factor.verify(attempt);
      },
    }));

  before(async () => {
    gatehouse = await startGatehouse({ factors: countedMethods });
    app = await startApp();
    party = await createParty(gatehouse, app);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    context = await (await sharedBrowser()).newContext();
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await askToSignIn(page, app, party);
    await expectFocus(page, 'Email');
    gate = undefined;
  });
  afterEach(() => context.close());
  after(async () => {
    app.stop();
    await gatehouse.stop();
  });

  /** Role and name of what has the focus, as a screen reader says it; it must show its ring. */
  const focused = async (): Promise<string> => {
    const said = await page.locator(':focus').ariaSnapshot();
    expect(await page.evaluate(RING), `the ring around ${said}`).to.be.at.least(2);
    return /^- (\w+(?: "[^"]*")?)/.exec(said)?.[1] ?? said;
  };

  /** What Tab comes to next, as often as asked. */
  const tab = async (times: number): Promise<string[]> => {
    const passed = [];
    for (let left = times; left > 0; left -= 1) {
      await page.keyboard.press('Tab');
      passed.push(await focused());
    }
    return passed;
  };

  const type = (text: string) => page.keyboard.type(text);

  it('goes through the page in the order in which one reads it', async () => {
    expect(await focused()).to.equal('textbox "Email"');
    expect(await tab(5)).to.deep.equal([
      'textbox "Password"',
      'button "Show password"',
      'button "Sign in"',
      'button "Cancel"',
      'link "Forgot password?"',
    ]);
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').count(), 'anything after the last').to.equal(0);
  });

  it('signs in and allows, with Tab, Enter and Space alone', async () => {
    await type(person.email);
    await page.keyboard.press('Tab');
    await type(person.password);
    await page.keyboard.press('Enter');
    await expectPage(page, 'Allow access');
    expect(await tab(3)).to.deep.equal([
      'button "Allow"',
      'button "Deny"',
      'button "Use a different account"',
    ]);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    expect(await focused()).to.equal('button "Allow"');
    await page.keyboard.press('Space');
    expect((await answerAt(page, app)).fields).to.have.property('code');
  });

  it('is led to what went wrong, and from there to the first field', async () => {
    await type(person.email);
    await page.keyboard.press('Tab');
    await type('not the password');
    await page.keyboard.press('Enter');
    await page.locator(':focus').filter({ hasText: "don't match" }).waitFor();
    expect(await focused()).to.match(/^alert/);
    expect(await tab(2)).to.deep.equal(['textbox "Email"', 'textbox "Password"']);
    await type(person.password);
    await page.keyboard.press('Enter');
    await expectPage(page, 'Allow access');
  });

  it('shows and hides the password', async () => {
    await tab(1);
    await type('secret');
    const kind = () => page.locator('#password').getAttribute('type');
    expect(await tab(1)).to.deep.equal(['button "Show password"']);
    await page.keyboard.press('Space');
    expect(await kind()).to.equal('text');
    expect(await focused()).to.equal('button "Hide password"');
    await page.keyboard.press('Enter');
    expect(await kind()).to.equal('password');
  });

  it('sends a form once, and says that it is on its way', async () => {
    const before = attempts;
    await page.addInitScript(IMPATIENT);
    await page.reload();
    await expectFocus(page, 'Email');
    const saying = page.waitForEvent('console');
    gate = saying;
    await type(person.email);
    await page.keyboard.press('Tab');
    await type(person.password);
    await page.keyboard.press('Enter');
    expect((await saying).text()).to.equal('Checking… Checking…');
    await expectPage(page, 'Allow access');
    expect(attempts - before).to.equal(1);
  });

  it('cancels', async () => {
    expect((await tab(4)).at(-1)).to.equal('button "Cancel"');
    await page.keyboard.press('Enter');
    expect((await answerAt(page, app)).fields).to.include({ error: 'access_denied' });
  });
});
