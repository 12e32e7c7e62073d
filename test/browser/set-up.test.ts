// Setting up an authenticator on small screens: two pages, each of them seen whole as it is shown.
import { expect } from 'chai';
import jsQR from 'jsqr';
import type { BrowserContext, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { codeFor } from '../support/authenticator-app.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { keepPicture } from '../support/looks.ts';
import { createPerson, type Person, type RelyingParty } from '../support/relying-party.ts';
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

const SCREENS = [
  [1366, 650, 'light'],
  [1366, 650, 'dark'],
  [1280, 720, 'light'],
  [1536, 730, 'light'],
  [360, 640, 'dark'],
  [360, 640, 'light'],
] as const;
const SETUP = 'Set up two-factor authentication';

/** What the browser knows of an element. */
interface Shown {
  readonly ownerDocument: {
    readonly documentElement: { readonly clientWidth: number; readonly clientHeight: number };
    elementFromPoint(x: number, y: number): unknown;
  };
  getBoundingClientRect(): Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>>;
  contains(other: unknown): boolean;
}

/** Within the window, and none of nine points of it under something else. */
function isSeen(element: Shown): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const { ownerDocument: page } = element;
  const { clientWidth, clientHeight } = page.documentElement;
  if (top < 0 || left < 0 || bottom > clientHeight || right > clientWidth) return false;
  const between = (from: number, to: number) => [from + 4, (from + to) / 2, to - 4];
  return between(left, right).every((x) =>
    between(top, bottom).every((y) => element.contains(page.elementFromPoint(x, y))),
  );
}

describe('setting up two-factor authentication on small screens', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    gatehouse = await startGatehouse({ env: WITH_FACTOR });
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
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  };
  const start = async (person: Person) => {
    await askToSignIn(page, app, party);
    await signIn(page, person);
    await expectPage(page, SETUP);
  };

  /** What a camera in front of the screen reads. */
  const read = async (): Promise<string | undefined> => {
    const { data, width, height } = PNG.sync.read(await page.screenshot());
    return jsQR.default(new Uint8ClampedArray(data), width, height)?.data;
  };

  const expectWhole = async (size: string) => {
    const { scrollHeight, innerHeight } = (await page.evaluate(
      '({ scrollHeight: document.scrollingElement.scrollHeight, innerHeight })',
    )) as Record<string, number>;
    expect(scrollHeight, `height of the page at ${size}`).to.be.at.most(innerHeight ?? 0);
  };

  const expectSeen = async (
    size: string,
    parts: readonly (readonly ['button' | 'img' | 'link' | 'textbox', string])[],
  ) => {
    for (const [role, name] of parts) {
      const found = await page.getByRole(role, { name, exact: true }).evaluate(isSeen);
      expect(found, `"${name}" at ${size}`).to.equal(true);
    }
  };

  const atEach = async (name: string, look: (size: string) => Promise<void>) => {
    for (const [width, height, colorScheme] of SCREENS) {
      const size = `${width}x${height}`;
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      await keepPicture(page, `set-up-${name}-${size}-${colorScheme}`, false);
      await look(size);
    }
  };

  for (const [kind, javaScriptEnabled] of [
    ['required', true],
    ['in grace', false],
  ] as const) {
    const later = kind === 'in grace' ? ([['button', 'Remind me later']] as const) : [];

    it(`${kind}, ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
      await open({ javaScriptEnabled });
      const person = await (kind === 'required' ? createPerson : createExistingPerson)(gatehouse);
      await start(person);
      const name = kind.replace(' ', '-');
      const address = await page.locator('a[href^="otpauth:"]').getAttribute('href');
      await atEach(`${name}-1`, async (size) => {
        await expectWhole(size);
        expect(await read(), `the QR code at ${size}`).to.equal(address);
        await expectSeen(size, [['img', 'QR code'], ['button', 'Next'], ...later]);
      });
      await press(page, 'Next');
      await page.getByLabel('Enter 6-digit code', { exact: true }).waitFor();
      await expectFocus(page, 'Enter 6-digit code');
      await atEach(`${name}-2`, async (size) => {
        await expectWhole(size);
        await expectSeen(size, [
          ['textbox', 'Enter 6-digit code'],
          ['button', 'Verify and Enable 2FA'],
          ['link', 'Back to the QR code'],
          ...later,
        ]);
      });
      await page.getByRole('link', { name: 'Back to the QR code' }).click();
      expect(await read(), 'the same code again').to.equal(address);
      await press(page, 'Next');
      await page.getByLabel('Enter 6-digit code', { exact: true }).fill('000000');
      await press(page, 'Verify and Enable 2FA');
      expect(await alertText(page)).to.include("That code isn't right.");
      await atEach(`${name}-3`, (size) =>
        expectSeen(size, [
          ['textbox', 'Enter 6-digit code'],
          ['button', 'Verify and Enable 2FA'],
        ]),
      );
      const secret = new URL(address ?? '').searchParams.get('secret') ?? '';
      await page.getByLabel('Enter 6-digit code', { exact: true }).fill(codeFor(secret));
      await press(page, 'Verify and Enable 2FA');
      await expectPage(page, 'Save your backup codes');
    });
  }

  it('puts the app first on a phone, and the key where it is asked for', async () => {
    await open();
    await page.setViewportSize({ width: 360, height: 640 });
    await start(await createPerson(gatehouse));
    const things = [
      page.getByRole('link', { name: 'Open authenticator app', exact: true }),
      page.getByRole('img', { name: 'QR code' }),
      page.getByText("Can't scan it?", { exact: true }),
      page.getByRole('button', { name: 'Next', exact: true }),
    ];
    const boxes = await Promise.all(things.map((each) => each.boundingBox()));
    const edges = boxes.flatMap((box) => (box ? [box.y, box.y + box.height] : []));
    expect(edges)
      .to.deep.equal(edges.toSorted((a, b) => a - b))
      .and.have.length(8);
    expect(boxes[1]).to.include({ width: 240, height: 240 });
    expect(await page.getByText('Manual entry key').isVisible()).to.equal(false);
    await page.getByText("Can't scan it?").click();
    expect(await page.getByText('Manual entry key').isVisible()).to.equal(true);
    expect(await page.getByRole('button', { name: 'Copy', exact: true }).isVisible()).to.equal(
      true,
    );
  });

  it('adds another one on the account page in the same two screens', async () => {
    await open();
    const person = await createPerson(gatehouse);
    await start(person);
    const uri = await page.locator('a[href^="otpauth:"]').getAttribute('href');
    await press(page, 'Next');
    const first = codeFor(new URL(uri ?? '').searchParams.get('secret') ?? '');
    await page.getByLabel('Enter 6-digit code', { exact: true }).fill(first);
    await press(page, 'Verify and Enable 2FA');
    await page.getByLabel('I have saved these codes').check();
    await press(page, 'Continue');
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await answerAt(page, app);
    await page.goto(`${gatehouse.url}/account/authenticators/add/totp`);
    await expectPage(page, 'Add authenticator');
    const address = await page.locator('a[href^="otpauth:"]').getAttribute('href');
    await atEach('add-1', async (size) => {
      await expectWhole(size);
      expect(await read(), `the QR code at ${size}`).to.equal(address);
      await expectSeen(size, [
        ['img', 'QR code'],
        ['button', 'Next'],
      ]);
    });
    await press(page, 'Next');
    await expectFocus(page, 'Enter 6-digit code');
    await atEach('add-2', async (size) => {
      await expectWhole(size);
      await expectSeen(size, [
        ['textbox', 'Enter 6-digit code'],
        ['button', 'Verify and Enable 2FA'],
      ]);
    });
  });
});
