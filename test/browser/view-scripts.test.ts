// The small scripts of the pages: copying, printing, and times as the person's own clock has them.
import { expect } from 'chai';
import jsQR from 'jsqr';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { sharedBrowser } from '../support/chromium.ts';
import { alertText, mainText, press } from './helpers.ts';
import { CODES, KEY, OTPAUTH, SAMPLES, TAKEN_AT } from './view-samples.ts';
import { startViews, type ViewServer } from './view-server.ts';

const MINUTE = 60_000;

describe('the scripts of the views', () => {
  let views: ViewServer;
  let context: BrowserContext | undefined;
  let page: Page;

  before(async () => {
    views = await startViews(SAMPLES);
  });
  afterEach(() => context?.close());
  after(() => views.stop());

  const open = async (name: string, options: BrowserContextOptions = {}, init = '') => {
    await context?.close();
    context = await (await sharedBrowser()).newContext({ timezoneId: 'UTC', ...options });
    if (init) await context.addInitScript(init);
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    // What is today stays so, though midnight may pass meanwhile.
    await page.clock.setFixedTime(TAKEN_AT);
    await page.goto(`${views.url}/${name}`);
  };

  describe('copy and print', () => {
    const clipboard = () => page.evaluate('navigator.clipboard.readText()');
    const permissions = ['clipboard-read', 'clipboard-write'];

    it('copies the codes, one a line, and says so', async () => {
      await open('save-backup-codes', { permissions });
      await press(page, 'Copy');
      await page.getByRole('button', { name: 'Copied' }).waitFor();
      expect(await page.getByRole('status').textContent()).to.equal('Copied');
      expect(await clipboard()).to.equal(CODES.join('\n'));
    });

    it('copies the key without the gaps that are there for reading', async () => {
      await open('enrol-factor', { permissions });
      await page.getByText("Can't scan it?").click();
      await press(page, 'Copy');
      await page.getByRole('button', { name: 'Copied' }).waitFor();
      expect(await clipboard()).to.equal(KEY.replaceAll(' ', ''));
    });

    it('selects what it may not copy', async () => {
      const refuse = 'navigator.clipboard.writeText = () => Promise.reject(new Error("no"))';
      await open('enrol-factor', {}, refuse);
      await page.getByText("Can't scan it?").click();
      await press(page, 'Copy');
      await page.getByRole('button', { name: 'Selected. Press Ctrl+C to copy.' }).waitFor();
      expect(await page.evaluate('getSelection().toString()')).to.equal(KEY);
    });

    it('prints', async () => {
      await open('save-backup-codes', {}, 'window.print = () => { window.printed = true; }');
      await press(page, 'Print');
      expect(await page.evaluate('window.printed')).to.equal(true);
    });

    it('puts product, account and codes on paper and nothing else', async () => {
      for (const name of ['save-backup-codes-unticked', 'account-codes']) {
        await open(name, { colorScheme: 'dark' });
        await page.emulateMedia({ media: 'print' });
        const shown = (await page.locator('body').innerText()).split(/\s*\n\s*/).filter(Boolean);
        expect(shown).to.deep.equal([
          'Gatehouse',
          'Backup codes for maria.lindqvist@example.com',
          ...CODES,
        ]);
      }
    });

    it('shows a code that a phone can read, by night too', async () => {
      await open('enrol-factor', { colorScheme: 'dark', viewport: { width: 360, height: 800 } });
      const picture = await page.getByRole('img', { name: 'QR code' }).screenshot();
      const { data, width, height } = PNG.sync.read(picture);
      expect(width).to.be.at.least(200);
      expect(jsQR.default(new Uint8ClampedArray(data), width, height)?.data).to.equal(OTPAUTH);
    });
  });

  describe('times', () => {
    const times = () =>
      page.locator('time').evaluateAll((all) => all.map(({ textContent }) => textContent));
    const retryAt = async () =>
      Date.parse((await page.locator('[role=alert] time').getAttribute('datetime')) ?? '');

    it('are of the zone of the person, which they name', async () => {
      const options = { timezoneId: 'Asia/Kolkata', locale: 'en-GB' };
      await open('totp-limited', options);
      // Of the minute that begins then or after it.
      const soonest = Math.ceil((await retryAt()) / MINUTE) * MINUTE;
      const there = new Intl.DateTimeFormat('en-GB', {
        hour: '2-digit',
        minute: '2-digit',
        timeZone: 'Asia/Kolkata',
      }).format(soonest);
      expect((await times())[0]).to.match(new RegExp(`${there} (IST|GMT\\+5:30)$`));
    });

    it('are in the language of the page, and written as the person writes them', async () => {
      await open('account', { locale: 'de-DE' });
      const shown = (await times()).join(' ');
      expect(shown).to.match(/today/);
      expect(shown).to.match(/January|February|March|April|May|June|July|August|September/);
      expect(shown, 'hours of a clock with 24').not.to.match(/[AP]M/);
      await open('account', { locale: 'en-US' });
      expect((await times()).join(' ')).to.match(/\d [AP]M UTC/);
    });

    it('say the day of a deadline, and no hour', async () => {
      await open('enrol-factor-grace', { locale: 'en-GB' });
      const banner = page.getByRole('status').filter({ hasText: 'days)' });
      expect(await banner.textContent()).to.match(
        // With the year where it is another one.
        /You have until \w+day,? \d+ \w+( \d{4})? \(6 days\) to set this up\./,
      );
    });

    it('stand in the page without script, with the zone named by the server', async () => {
      await open('totp-limited', { javaScriptEnabled: false });
      expect(await alertText(page)).to.match(/Try again at \d+ \w+\.$/);
    });

    describe('until one may try again', () => {
      const openAt = async (left: number, name = 'totp-limited') => {
        await open(name, { locale: 'en-GB' });
        const at = await retryAt();
        // Runs until it is stopped, which it can be only ahead of where it is.
        await page.clock.install({ time: at - left - MINUTE });
        await page.clock.pauseAt(at - left);
        await page.reload();
        return at;
      };
      const seen = () => page.locator('.countdown').textContent();

      it('tick', async () => {
        await openAt(12 * MINUTE + 40_000);
        expect(await seen()).to.match(/^Try again in 12:40, at .*\d\d:\d\d UTC\.$/);
        await page.clock.runFor(1_000);
        expect(await seen()).to.match(/^Try again in 12:39, at /);
        await page.clock.runFor(12 * MINUTE + 30_000);
        expect(await seen()).to.match(/^Try again in 0:09, at /);
        await page.clock.runFor(9_000);
        expect(await alertText(page)).to.match(/You can try again now\.$/);
        // Said once: a screen reader hears every change here.
        await page.locator('[data-countdown]').evaluate(watchChanges);
        await page.clock.runFor(MINUTE);
        expect(await page.evaluate('window.changes')).to.equal(0);
      });

      it('count hours too', async () => {
        await openAt(62 * MINUTE + 5_000);
        expect(await seen()).to.match(/^Try again in 1:02:05, at /);
      });

      it('are right on a device whose clock is not, where the server says how long', async () => {
        await openAt(-30 * MINUTE, 'totp-limited-seconds');
        expect(await seen()).to.match(/^Try again in 12:40, at /);
      });

      it('are read out once, with the time', async () => {
        await openAt(5 * MINUTE);
        const before = await page.getByRole('alert').ariaSnapshot();
        expect(before).to.match(/Try again at/);
        expect(before).not.to.include('Try again in');
        await page.clock.runFor(2_000);
        expect(await page.getByRole('alert').ariaSnapshot()).to.equal(before);
      });

      it('are left alone where the clock of the device is far off', async () => {
        for (const left of [-MINUTE, 3 * 24 * 60 * MINUTE]) {
          await openAt(left);
          expect(await page.locator('.countdown').count()).to.equal(0);
          expect(await mainText(page)).to.match(/Try again at/);
        }
      });
    });
  });
});

/** Counts in the page what is changed in an element from now on. */
function watchChanges(element: unknown): void {
  const page = globalThis as unknown as Watching;
  page.changes = 0;
  new page.MutationObserver((changes) => {
    page.changes += changes.length;
  }).observe(element, { childList: true, subtree: true, characterData: true });
}

interface Watching {
  changes: number;
  readonly MutationObserver: new (
    callback: (changes: readonly unknown[]) => void,
  ) => { observe(element: unknown, options: object): void };
}
