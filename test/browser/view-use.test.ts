// The pages of the second factor and of the account in use: by keyboard, by ear, and without script.
import { expect } from 'chai';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expectAccessible } from '../support/axe.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { press } from './helpers.ts';
import { CODES, KEY, SAMPLES, TAKEN_AT } from './view-samples.ts';
import { startViews, type ViewServer } from './view-server.ts';

const WITHOUT_SCRIPT = { javaScriptEnabled: false };
const PHONE = { viewport: { width: 360, height: 640 } };

/** How much of what has the focus lies under something else, at five points of it. */
const COVERED = `(() => {
  const focused = document.activeElement;
  const { left, right, top, bottom } = focused.getBoundingClientRect();
  const at = [[left + 4, top + 4], [right - 4, top + 4], [left + 4, bottom - 4], [right - 4, bottom - 4]];
  const seen = ([x, y]) => focused.contains(document.elementFromPoint(x, y));
  return at.filter((point) => !seen(point)).length;
})()`;

describe('the views in use', () => {
  let views: ViewServer;
  let context: BrowserContext | undefined;
  let page: Page;

  before(async () => {
    views = await startViews(SAMPLES);
  });
  afterEach(() => context?.close());
  after(() => views.stop());

  const open = async (name: string, options: BrowserContextOptions = {}) => {
    views.posts.length = 0;
    await context?.close();
    context = await (await sharedBrowser()).newContext({ timezoneId: 'UTC', ...options });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    // What is today stays so, though midnight may pass meanwhile.
    await page.clock.setFixedTime(TAKEN_AT);
    await page.goto(`${views.url}/${name}`);
  };
  const field = (name: string) => page.getByLabel(name, { exact: true });
  const buttons = () =>
    page.getByRole('button').evaluateAll((all) => all.map((each) => each.textContent?.trim()));
  /** What arrived where, without the token that every form carries. */
  const posted = async () => {
    await page.waitForURL('**/posted/**');
    const [post, ...more] = views.posts;
    expect(more).to.deep.equal([]);
    if (!post) throw new Error('nothing was sent');
    const { csrf, ...fields } = post.fields;
    expect(csrf).to.equal('token');
    return { path: post.path, fields };
  };

  describe('by keyboard', () => {
    const focused = async () => {
      const said = await page.locator(':focus').ariaSnapshot();
      return /^- (\w+(?: "[^"]*")?)/.exec(said)?.[1] ?? said;
    };
    /** All that Tab comes to, each wholly in sight. */
    const walk = async () => {
      const passed: string[] = [];
      for (;;) {
        await page.keyboard.press('Tab');
        if ((await page.locator(':focus').count()) === 0) return passed;
        const here = await focused();
        expect(await page.evaluate(COVERED), `corners covered of ${here}`).to.equal(0);
        passed.push(here);
      }
    };

    it('a code is one field, one box and Enter', async () => {
      await open('totp', PHONE);
      await page.locator('#code:focus').waitFor();
      expect(await walk()).to.deep.equal([
        'checkbox "Remember this device for 30 days"',
        'button "Verify & Login"',
        'button "Cancel"',
        'link "Use backup code instead"',
        'link "Text me a code instead"',
        'link "help@example.com"',
        'button "Use a different account"',
      ]);
      await field('6-digit code').focus();
      await page.keyboard.type('123 456');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Space');
      await page.keyboard.press('Enter');
      expect(await posted()).to.deep.equal({
        path: '/posted/submit',
        fields: { code: '123 456', remember: 'yes' },
      });
    });

    it('enrolment goes from what is scanned to the code and on', async () => {
      await open('enrol-factor-grace', PHONE);
      expect(await walk()).to.deep.equal([
        'link "Open authenticator app"',
        'text',
        'button "Next"',
        'button "Remind me later"',
        'link "Use text messages instead"',
        'button "Use a different account"',
        'button "Cancel"',
      ]);
      await open('enrol-code-grace', PHONE);
      await page.locator('#code:focus').waitFor();
      expect(await walk()).to.deep.equal([
        'button "Verify and Enable 2FA"',
        'button "Remind me later"',
        'link "Back to the QR code"',
        'button "Use a different account"',
        'button "Cancel"',
      ]);
    });

    it('codes are saved, said to be saved, and left', async () => {
      await open('save-backup-codes', PHONE);
      expect((await walk()).slice(0, 5)).to.deep.equal([
        'link "Download"',
        'button "Copy"',
        'button "Print"',
        'checkbox "I have saved these codes"',
        'button "Continue"',
      ]);
    });

    it('an error comes first, then the field', async () => {
      await open('enrol-code-empty', PHONE);
      await page.locator('.alert-error:focus').waitFor();
      await open('save-backup-codes-unticked', PHONE);
      await page.locator('.alert-error:focus').waitFor();
    });

    it('the account page is walked section by section', async () => {
      await open('account', PHONE);
      expect(await walk()).to.deep.equal([
        'button "Sign out"',
        'link "Change password"',
        'link "Rename"',
        'link "Remove"',
        'link "Rename"',
        'link "Remove"',
        'link "Rename"',
        'link "Remove"',
        'link "Add authenticator"',
        'link "Add phone number"',
        'link "Get new backup codes"',
        'button "Forget this device"',
        'button "Forget this device"',
        'button "Forget all devices"',
        'button "Sign out"',
        'button "Sign out everywhere"',
        'button "Revoke access"',
      ]);
    });
  });

  describe('by ear', () => {
    it('the box has the caution, the box left empty its error', async () => {
      await open('totp');
      const caution = /^Don't use this on a shared or public computer\.$/;
      const box = { name: 'Remember this device for 30 days', description: caution };
      expect(await page.getByRole('checkbox', { ...box, checked: false }).count()).to.equal(1);
      await open('save-backup-codes-unticked');
      const empty = { name: 'I have saved these codes', description: /^Save the codes, then/ };
      expect(await page.getByRole('checkbox', empty).count()).to.equal(1);
    });

    it('codes are a list of ten by its name', async () => {
      await open('save-backup-codes');
      const items = page.getByRole('list', { name: 'Backup codes' }).getByRole('listitem');
      expect((await items.allTextContents()).map((each) => each.trim())).to.deep.equal(CODES);
    });

    it('the key follows its name', async () => {
      await open('enrol-factor');
      await page.getByText("Can't scan it?").click();
      expect(await page.getByRole('main').innerText()).to.match(
        new RegExp(`Manual entry key\\s+${KEY}`),
      );
      for (const app of ['Google Authenticator', 'Microsoft Authenticator', 'Authy', '1Password']) {
        expect(await page.getByRole('main').innerText()).to.include(app);
      }
    });

    it('sections have names and say how things stand', async () => {
      await open('account', { locale: 'en-GB' });
      const regions = await page
        .getByRole('region')
        .evaluateAll((all) => all.map((each) => each.querySelector('h2')?.textContent));
      expect(regions).to.deep.equal([
        'Password',
        'Authenticators',
        'Backup codes',
        'Trusted devices',
        'Sessions',
        'Connected applications',
        'Recent activity',
      ]);
      const state = async (name: string) =>
        (await page.getByRole('region', { name }).locator('> .note').innerText()).trim();
      expect(await state('Authenticators')).to.equal('Three authenticators. Last used today.');
      expect(await state('Backup codes')).to.match(/^Only 2 of 10 left\./);
      expect(await state('Trusted devices')).to.equal('Two devices sign in without a code.');
      expect(await state('Connected applications')).to.match(/^One application has access/);
    });

    it('a control that stands there more than once says what it is about', async () => {
      await open('account');
      const forget = { name: 'Forget this device', description: /^Safari on iPhone/ };
      expect(await page.getByRole('button', forget).count()).to.equal(1);
      const remove = { name: 'Remove', description: 'My phone' };
      expect(await page.getByRole('link', remove).count()).to.equal(1);
    });

    it('the banner leads to what it asks for', async () => {
      await open('account-new');
      const banner = page.getByRole('status').filter({ hasText: '(6 days)' });
      await banner.getByRole('link', { name: 'Set up 2FA', exact: true }).waitFor();
    });
  });

  describe('without script', () => {
    it('offers nothing that needs one', async () => {
      await open('save-backup-codes', WITHOUT_SCRIPT);
      expect(await buttons()).to.deep.equal(['Continue', 'Cancel', 'Use a different account']);
      await open('enrol-factor', WITHOUT_SCRIPT);
      expect(await buttons()).not.to.include('Copy');
    });

    it('trusts a device only when asked to', async () => {
      await open('totp', WITHOUT_SCRIPT);
      await field('6-digit code').fill('123456');
      await press(page, 'Verify & Login');
      expect((await posted()).fields).to.deep.equal({ code: '123456' });
    });

    it('never offers to trust a device for a backup code', async () => {
      await open('backup-code', WITHOUT_SCRIPT);
      expect(await page.getByRole('checkbox').count()).to.equal(0);
      await field('Backup code').fill('abcd-1234');
      await press(page, 'Verify with backup code');
      expect((await posted()).fields).to.deep.equal({ code: 'abcd-1234' });
    });

    it('sends a code when told to, first and again', async () => {
      await open('text-offer', WITHOUT_SCRIPT);
      expect(await page.getByRole('main').innerText()).to.include('a number ending in 45');
      expect(await field('6-digit code').count()).to.equal(0);
      expect((await buttons())[0]).to.equal('Send code');
      await press(page, 'Send code');
      expect(await posted()).to.deep.equal({ path: '/posted/send', fields: {} });
      await open('text-sent', WITHOUT_SCRIPT);
      await press(page, 'Send code');
      expect(await posted()).to.deep.equal({ path: '/posted/send', fields: {} });
    });

    it('enrols, or later', async () => {
      await open('enrol-code-grace', WITHOUT_SCRIPT);
      await field('Enter 6-digit code').fill('654321');
      await press(page, 'Verify and Enable 2FA');
      expect(await posted()).to.deep.equal({ path: '/posted/submit', fields: { code: '654321' } });
      for (const name of ['enrol-factor-grace', 'enrol-code-grace']) {
        await open(name, WITHOUT_SCRIPT);
        await press(page, 'Remind me later');
        expect(await posted()).to.deep.equal({ path: '/posted/later', fields: {} });
      }
      await open('enrol-factor', WITHOUT_SCRIPT);
      expect(await buttons()).not.to.include('Remind me later');
    });

    it('keeps the codes and says so', async () => {
      await open('save-backup-codes', WITHOUT_SCRIPT);
      const link = page.getByRole('link', { name: 'Download', exact: true });
      expect(await link.getAttribute('href')).to.equal('/download');
      await field('I have saved these codes').check();
      await press(page, 'Continue');
      expect((await posted()).fields).to.deep.equal({ saved: 'yes' });
    });

    it('takes new codes or goes on with the old ones', async () => {
      for (const [button, decision] of [
        ['Get new codes', 'renew'],
        ['Not now', 'later'],
      ] as const) {
        await open('few-backup-codes', WITHOUT_SCRIPT);
        await press(page, button);
        expect((await posted()).fields).to.deep.equal({ decision });
      }
    });

    it('asks before what cannot be taken back', async () => {
      await open('account-everywhere', WITHOUT_SCRIPT);
      await press(page, 'Sign out everywhere');
      expect((await posted()).fields).to.deep.equal({ confirm: 'yes' });
      for (const name of ['account-remove', 'account-rename', 'account-add', 'account-password']) {
        await open(name, WITHOUT_SCRIPT);
        const back = page.getByRole('link', { name: 'Back to your account', exact: true });
        expect(await back.getAttribute('href')).to.equal('/account');
      }
    });

    it('changes the password', async () => {
      await open('account-password', WITHOUT_SCRIPT);
      await field('Current password').fill('old one');
      await field('New password').fill('new one');
      await field('Confirm new password').fill('new one');
      await press(page, 'Change password');
      expect((await posted()).fields).to.deep.equal({
        username: 'maria.lindqvist@example.com',
        current_password: 'old one',
        new_password: 'new one',
        confirm_password: 'new one',
      });
    });
  });

  it('holds the button of a form that stands outside of it', async () => {
    await open('enrol-code-grace');
    await page.evaluate(`addEventListener('submit', (event) => event.preventDefault())`);
    await press(page, 'Remind me later');
    await page.getByRole('button', { name: 'One moment…', disabled: true }).waitFor();
    const others = page.getByRole('button', { name: 'Verify and Enable 2FA', disabled: false });
    expect(await others.count()).to.equal(1);
  });

  it('keeps its shape in forced colours', async () => {
    for (const name of ['totp', 'save-backup-codes-unticked', 'account', 'account-remove']) {
      await open(name, { ...PHONE, forcedColors: 'active' });
      await expectAccessible(page);
    }
  });
});
