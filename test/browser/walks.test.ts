// Whole sign-ins in a real browser, from the application to its tokens: one for each way there is.
import argon2 from 'argon2';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import type { BrowserContext, Page } from 'playwright-core';
import { codeFor } from '../support/authenticator-app.ts';
import { expectAccessible } from '../support/axe.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { createEnrolledPerson } from '../support/enrolled-person.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { keepPicture } from '../support/looks.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { NEW_PASSWORD, setHash, WEAK_PASSWORD } from '../support/weak-person.ts';
import {
  type App,
  alertText,
  answerAt,
  askToSignIn,
  createParty,
  expectPage,
  mainText,
  press,
  signIn,
  startApp,
} from './helpers.ts';

const SIZES = {
  phone: { viewport: { width: 360, height: 800 }, scheme: 'light' },
  desktop: { viewport: { width: 1280, height: 800 }, scheme: 'dark' },
} as const;
const CHALLENGE = 'Two-factor authentication';
const SETUP = 'Set up two-factor authentication';
const SAVE = 'Save your backup codes';

describe('whole sign-ins in a browser', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let context: BrowserContext;
  let page: Page;
  let walk = '';

  before(async () => {
    gatehouse = await startGatehouse({ env: WITH_FACTOR });
    app = await startApp();
    party = await createParty(gatehouse, app);
  });
  after(async () => {
    app.stop();
    await gatehouse.stop();
  });
  beforeEach(async () => {
    context = await (await sharedBrowser()).newContext({ reducedMotion: 'reduce' });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  });
  afterEach(() => context.close());

  const enrolled = () =>
    createRelyingParty(gatehouse).then((any) => createEnrolledPerson(gatehouse, any));
  const field = (name: string) => page.getByLabel(name, { exact: true });
  const code = (secret: string) => codeFor(secret);

  /** Waits for a page, checks it, and keeps what it looks like. */
  const look = async (heading: string, name: string) => {
    await expectPage(page, heading);
    await expectAccessible(page);
    for (const [size, { viewport, scheme }] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme });
      await keepPicture(page, `walk-${walk}-${name}-${size}-${scheme}`, true);
    }
  };
  const start = async (name: string, parameters: Record<string, string> = {}) => {
    walk = name;
    return askToSignIn(page, app, party, parameters);
  };
  /** The claims of the ID token at the end, after Allow where that is asked. */
  const arrive = async (verifier: string) => {
    const isAsked = page.getByRole('button', { name: 'Allow', exact: true });
    const isThere = page.waitForURL((url) => url.origin === app.origin).then(() => false);
    if (await Promise.race([isAsked.waitFor().then(() => true), isThere]))
      await press(page, 'Allow');
    const { fields } = await answerAt(page, app);
    const answer = await party.token({
      grant_type: 'authorization_code',
      code: fields.code ?? '',
      redirect_uri: app.redirectUri,
      code_verifier: verifier,
    });
    return decodeJwt(String(answer.body.id_token));
  };
  const secretOnPage = async () => {
    const text = await mainText(page);
    return /(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}/.exec(text)?.[0] ?? '';
  };
  const enrolHere = async () => {
    const secret = await secretOnPage();
    await press(page, 'Next');
    await field('Enter 6-digit code').fill(code(secret));
    await press(page, 'Verify and Enable 2FA');
    await expectPage(page, SAVE);
    return secret;
  };

  it('a first sign-in sets up an authenticator and saves backup codes', async () => {
    const person = await createPerson(gatehouse);
    const verifier = await start('first');
    await look('Sign in', '1-sign-in');
    await signIn(page, person);
    await look(SETUP, '2-set-up');
    await expectSetup();
    await press(page, 'Next');
    await field('Enter 6-digit code').fill('000000');
    await press(page, 'Verify and Enable 2FA');
    await page.getByRole('alert').waitFor();
    await look(SETUP, '3-wrong');
    await page.getByRole('link', { name: 'Back to the QR code' }).click();
    await expectSetup();
    await enrolHere();
    await look(SAVE, '4-save');
    expect(
      await page.getByRole('list', { name: 'Backup codes' }).getByRole('listitem').count(),
    ).to.equal(10);
    await press(page, 'Continue');
    await page.getByText('Save the codes, then').first().waitFor();
    await look(SAVE, '5-unsaved');
    await field('I have saved these codes').check();
    await press(page, 'Continue');
    await look('Allow access', '6-allow');
    expect(await arrive(verifier)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });

  const expectSetup = async () => {
    const text = await mainText(page);
    for (const each of ['Google Authenticator', 'Microsoft Authenticator', 'Authy', '1Password']) {
      expect(text).to.include(each);
    }
    expect(text).to.include('Manual entry key');
    await page.getByRole('img', { name: 'QR code' }).waitFor();
  };

  it('with an authenticator, and with a backup code', async () => {
    const person = await enrolled();
    const verifier = await start('authenticator');
    await signIn(page, person);
    await look(CHALLENGE, '1-code');
    await field('6-digit code').fill('000 000');
    await press(page, 'Verify & Login');
    await look(CHALLENGE, '2-wrong');
    expect(await alertText(page)).to.match(/isn't right.* attempts left/);
    await field('6-digit code').fill(codeFor(person.secret, Date.now() + 300_000));
    await press(page, 'Verify & Login');
    await page.getByText('minutes ahead').first().waitFor();
    await look(CHALLENGE, '3-clock');
    await field('6-digit code').fill(code(person.secret));
    await press(page, 'Verify & Login');
    const claims = await arrive(verifier);
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa']);

    const again = await start('backup-code', { prompt: 'login' });
    await signIn(page, person);
    await page.getByRole('link', { name: 'Use backup code instead' }).click();
    await look('Use a backup code', '1-code');
    await field('Backup code').fill(person.backupCodes[0]?.toLowerCase() ?? '');
    await press(page, 'Verify with backup code');
    expect(await arrive(again)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });

  it('on a remembered device: day 29 and day 31', async () => {
    const person = await enrolled();
    const first = await start('remembered');
    await signIn(page, person);
    await field('6-digit code').fill(code(person.secret));
    await field('Remember this device for 30 days').check();
    await look(CHALLENGE, '1-remember');
    await press(page, 'Verify & Login');
    await arrive(first);
    await gatehouse.advance('29d');
    const later = await start('remembered', { prompt: 'login' });
    await signIn(page, person);
    const claims = await arrive(later);
    expect(claims).to.include({ acr: 'urn:gatehouse:acr:remembered-device' });
    await gatehouse.advance('2d');
    const late = await start('remembered', { prompt: 'login' });
    await signIn(page, person);
    await look(CHALLENGE, '2-day-31');
    await field('6-digit code').fill(code(person.secret));
    await press(page, 'Verify & Login');
    expect(await arrive(late)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });

  it('a password that gives way, then the code', async () => {
    const person = await enrolled();
    const weak = await argon2.hash(WEAK_PASSWORD, { memoryCost: 19_456, timeCost: 2 });
    await setHash(gatehouse, person.id, weak);
    const verifier = await start('migration');
    await signIn(page, { ...person, password: WEAK_PASSWORD });
    await look('Update your password', '1-update');
    await field('New password').fill(NEW_PASSWORD);
    await field('Confirm new password').fill(NEW_PASSWORD);
    await press(page, 'Update password');
    await look(CHALLENGE, '2-code');
    await field('6-digit code').fill(code(person.secret));
    await press(page, 'Verify & Login');
    expect(await arrive(verifier)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });

  it('in grace: days 1, 6 and 8', async () => {
    const person = await createExistingPerson(gatehouse);
    const status = async () => (await page.getByRole('status').first().textContent()) ?? '';
    const day = async (name: string) => {
      const verifier = await start('grace', { prompt: 'login' });
      await signIn(page, person);
      await look(SETUP, name);
      return verifier;
    };
    const first = await day('day-1');
    expect(await status()).to.include('7 days');
    await press(page, 'Remind me later');
    expect(await arrive(first)).to.include({ acr: 'urn:gatehouse:acr:password' });
    await gatehouse.advance('5d');
    const sixth = await day('day-6');
    expect(await status()).to.match(/2 days/);
    await press(page, 'Remind me later');
    await arrive(sixth);
    await gatehouse.advance('2d');
    const eighth = await day('day-8');
    expect(await page.getByRole('button', { name: 'Remind me later' }).count()).to.equal(0);
    await enrolHere();
    await field('I have saved these codes').check();
    await press(page, 'Continue');
    expect(await arrive(eighth)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });

  it('after a reset by an operator: enrolment, and no grace', async () => {
    const person = await enrolled();
    await gatehouse.core.store.write(...(await gatehouse.core.resetFactors(person.id)));
    const verifier = await start('reset');
    await signIn(page, person);
    await look(SETUP, '1-set-up');
    expect(await page.getByRole('button', { name: 'Remind me later' }).count()).to.equal(0);
    await enrolHere();
    await field('I have saved these codes').check();
    await press(page, 'Continue');
    expect(await arrive(verifier)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });

  it('a lockout with its countdown, and in when it is over', async () => {
    const person = await enrolled();
    const verifier = await start('lockout');
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await signIn(page, { ...person, password: 'wrong' });
      await page
        .getByRole('alert')
        .filter({ hasText: attempt < 4 ? `${4 - attempt} attempt` : 'no attempts' })
        .waitFor();
    }
    await signIn(page, person);
    await page.getByRole('alert').filter({ hasText: 'Try again' }).waitFor();
    await look('Sign in', '1-locked');
    expect(await alertText(page)).to.match(/Try again/);
    expect(await page.getByRole('alert').locator('time[datetime]').count()).to.equal(1);
    await gatehouse.advance('15m');
    await page.goto(page.url().replace(/\/prove\/.*/, ''));
    if (await page.getByRole('button', { name: 'Start again' }).count())
      await press(page, 'Start again');
    await signIn(page, person);
    await field('6-digit code').fill(code(person.secret));
    await press(page, 'Verify & Login');
    expect(await arrive(verifier)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });

  it('step-up asks for the code alone', async () => {
    const person = await enrolled();
    const first = await start('step-up');
    await signIn(page, person);
    await field('6-digit code').fill(code(person.secret));
    await field('Remember this device for 30 days').check();
    await press(page, 'Verify & Login');
    await arrive(first);
    await gatehouse.advance('30s');
    const second = await start('step-up', { prompt: 'login' });
    await signIn(page, person);
    expect(await arrive(second)).to.include({ acr: 'urn:gatehouse:acr:remembered-device' });
    const third = await start('step-up', { acr_values: 'urn:gatehouse:acr:mfa' });
    await look(CHALLENGE, '1-code');
    await field('6-digit code').fill(code(person.secret));
    await press(page, 'Verify & Login');
    expect(await arrive(third)).to.include({ acr: 'urn:gatehouse:acr:mfa' });
  });
});
