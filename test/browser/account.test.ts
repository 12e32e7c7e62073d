// The account page in a real browser: each change from the link to what the page says of it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { nextCode, openOnTrustedDevice, signInElsewhere } from '../support/account-page.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { expectAccessible } from '../support/axe.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty, PASSWORD, type RelyingParty } from '../support/relying-party.ts';
import { NEW_PASSWORD } from '../support/weak-person.ts';
import { alertText, expectFocus, expectPage, mainText, press, signIn } from './helpers.ts';

const SCREENSHOTS = join(PROJECT_ROOT, 'test/screenshots');
const PHONE = { width: 360, height: 800 };
const DESKTOP = { width: 1280, height: 800 };

const WAYS: Readonly<Record<string, BrowserContextOptions>> = {
  'with a mouse': { viewport: DESKTOP, reducedMotion: 'reduce' },
  'without JavaScript, on a phone': { viewport: PHONE, javaScriptEnabled: false },
};

describe('the account page in a browser', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    gatehouse = await startGatehouse({ env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { client_name: 'Example App' } });
  });
  after(() => gatehouse.stop());

  const begin = async (options: BrowserContextOptions) => {
    person = await createEnrolledPerson(gatehouse, party);
    context = await (await sharedBrowser()).newContext(options);
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  };
  afterEach(() => context.close());

  const field = (name: string) => page.getByLabel(name, { exact: true });
  const follow = (name: string) => page.getByRole('link', { name, exact: true }).first().click();
  const section = (name: string) => page.getByRole('region', { name, exact: true });
  const told = async (text: string) => {
    await expectPage(page, 'Account');
    await page.getByRole('status').getByText(text).waitFor();
  };
  const prove = async () => {
    await expectPage(page, 'Two-factor authentication');
    await field('6-digit code').fill(await nextCode(gatehouse, person.secret));
    await press(page, 'Verify & Login');
  };
  const open = async () => {
    await page.goto(`${gatehouse.url}/account`);
    await signIn(page, person);
    await prove();
    await expectPage(page, 'Account');
  };
  const look = async (heading: string, name: string) => {
    await expectPage(page, heading);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [size, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
        await page.setViewportSize(viewport);
        await expectAccessible(page);
        const path = join(SCREENSHOTS, `account-${name}-${size}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
      }
    }
    await page.setViewportSize(PHONE);
    const width = await page.evaluate('document.scrollingElement.scrollWidth');
    expect(width, 'width on a phone').to.equal(PHONE.width);
    await page.setViewportSize(DESKTOP);
  };
  const typePasswords = async (current: string) => {
    await field('Current password').fill(current);
    await field('New password').fill(NEW_PASSWORD);
    await field('Confirm new password').fill(NEW_PASSWORD);
    await press(page, 'Change password');
  };
  const secretOnPage = async () =>
    /(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}/.exec(await mainText(page))?.[0] ?? '';

  for (const [way, options] of Object.entries(WAYS)) {
    it(`every control does what it says, ${way}`, async () => {
      await begin(options);
      await signInElsewhere(gatehouse, party, person);
      await openOnTrustedDevice(gatehouse, party, person);
      await open();

      await follow('Change password');
      await typePasswords('wrong');
      expect(await alertText(page)).to.include("That isn't your current password.");
      await typePasswords(PASSWORD);
      await told("Password changed. You've been signed out everywhere else.");

      await follow('Add authenticator');
      const secret = await secretOnPage();
      await press(page, 'Next');
      await field('Enter 6-digit code').fill(codeFor(secret));
      await press(page, 'Verify and Enable 2FA');
      await told('Authenticator added.');
      await section('Authenticators').getByText('Two authenticators.').waitFor();

      await follow('Rename');
      await field('Device name').fill('Phone');
      await press(page, 'Save');
      await told('Authenticator renamed.');
      await section('Authenticators').getByText('Phone', { exact: true }).waitFor();

      await follow('Remove');
      await press(page, 'Remove');
      await told('Authenticator removed.');
      expect(await section('Authenticators').getByText('Phone', { exact: true }).count()).to.equal(
        0,
      );

      await follow('Get new backup codes');
      await expectPage(page, 'Save your backup codes');
      const list = page.getByRole('list', { name: 'Backup codes' }).getByRole('listitem');
      expect(await list.count()).to.equal(10);
      await field('I have saved these codes').check();
      await press(page, 'Continue');
      await told('New backup codes saved.');

      await press(page, 'Revoke access');
      await expectPage(page, 'Revoke access');
      await press(page, 'Revoke access');
      await told('Access revoked.');

      await press(page, 'Sign out everywhere');
      await expectPage(page, 'Sign out everywhere');
      await press(page, 'Sign out everywhere');
      await expectPage(page, 'Signed out');
    });
  }

  it('a device and a session elsewhere end by their own buttons', async () => {
    await begin(WAYS['with a mouse'] ?? {});
    await openOnTrustedDevice(gatehouse, party, person);
    await open();
    await section('Trusted devices').getByRole('button', { name: 'Forget this device' }).click();
    await expectPage(page, 'Account');
    await section('Trusted devices').getByText('No trusted devices').waitFor();
    const others = section('Sessions').getByRole('button', { name: 'Sign out', exact: true });
    for (let left = await others.count(); left > 0; left -= 1) await others.first().click();
    await section('Sessions').getByText("You're only signed in here.").waitFor();
    await openOnTrustedDevice(gatehouse, party, person);
    await page.reload();
    await press(page, 'Forget all devices');
    await expectPage(page, 'Forget all devices');
    await press(page, 'Forget all devices');
    await told('All devices forgotten.');
  });

  it('after a while a change asks who it is, and goes on with what was wanted', async () => {
    await begin(WAYS['with a mouse'] ?? {});
    await open();
    await gatehouse.advance('11m');
    await follow('Change password');
    await expectPage(page, 'Sign in');
    expect(await field('Email').inputValue()).to.equal(person.email);
    await field('Password').fill(PASSWORD);
    await press(page, 'Sign in');
    await prove();
    await expectPage(page, 'Change password');
  });

  it('by keyboard alone a password is changed', async () => {
    await begin(WAYS['with a mouse'] ?? {});
    await open();
    const focused = () => page.evaluate('document.activeElement.textContent.trim()');
    for (let step = 0; (await focused()) !== 'Change password'; step += 1) {
      expect(step, 'tabs to the link').to.be.below(10);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await expectPage(page, 'Change password');
    // Each button that shows a password lies between two fields.
    await expectFocus(page, 'Current password');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type(NEW_PASSWORD);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type(NEW_PASSWORD);
    await page.keyboard.press('Enter');
    await told('Password changed.');
  });

  it('looks right on a phone and a desktop, by day and by night', async () => {
    await begin(WAYS['with a mouse'] ?? {});
    await openOnTrustedDevice(gatehouse, party, person);
    await signInElsewhere(gatehouse, party, person);
    await open();
    await look('Account', 'overview');
    await follow('Change password');
    await look('Change password', 'password');
    await typePasswords('wrong');
    await page.getByRole('alert').waitFor();
    await look('Change password', 'password-refused');
    await page.goto(`${gatehouse.url}/account/authenticators/add/totp`);
    await look('Add authenticator', 'add');
    const secret = await secretOnPage();
    await press(page, 'Next');
    await look('Add authenticator', 'add-code');
    await field('Enter 6-digit code').fill('000000');
    await press(page, 'Verify and Enable 2FA');
    await page.getByRole('alert').waitFor();
    await look('Add authenticator', 'add-refused');
    await field('Enter 6-digit code').fill(codeFor(secret));
    await press(page, 'Verify and Enable 2FA');
    await told('Authenticator added.');
    await look('Account', 'added');
    await follow('Rename');
    await look('Rename authenticator', 'rename');
    await follow('Back to your account');
    await follow('Remove');
    await look('Remove authenticator', 'remove');
    await page.goto(`${gatehouse.url}/account/backup-codes`);
    await look('Save your backup codes', 'codes');
    await press(page, 'Continue');
    await page.getByRole('alert').waitFor();
    await look('Save your backup codes', 'codes-unsaved');
    await page.goto(`${gatehouse.url}/account`);
    await press(page, 'Revoke access');
    await look('Revoke access', 'revoke');
    await follow('Back to your account');
    await press(page, 'Sign out everywhere');
    await look('Sign out everywhere', 'everywhere');
  });

  it('in grace looks right, and its link leads to the set-up', async () => {
    await begin(WAYS['with a mouse'] ?? {});
    const existing = await createExistingPerson(gatehouse);
    await page.goto(`${gatehouse.url}/account`);
    await signIn(page, existing);
    await press(page, 'Remind me later');
    await look('Account', 'grace');
    await follow('Set up 2FA');
    await expectPage(page, 'Sign in');
    await field('Password').fill(existing.password);
    await press(page, 'Sign in');
    await expectPage(page, 'Set up two-factor authentication');
  });
});
