// Every form × Back, Reload, a double click, a second tab: what the person reads, and what counts.
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { codeFor } from '../support/authenticator-app.ts';
import { sharedBrowser } from '../support/chromium.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { askForLink } from '../support/reset-link.ts';
import { createWeakPerson } from '../support/weak-person.ts';
import {
  type App,
  answerAt,
  askToSignIn,
  createParty,
  expectPage,
  mainText,
  press,
  signIn,
  startApp,
} from './helpers.ts';

interface Form {
  readonly heading: string;
  /** To the page of the form. */
  open(page: Page): Promise<void>;
  /** Fills it in so that it is refused. */
  fill(page: Page): Promise<void>;
  readonly button: string;
  /** What the page says of it. Of several, the next one each time. */
  readonly reads: readonly string[];
}

const SAVE = 'Save your backup codes';
const CONFIRM = 'Verify and Enable 2FA';
const SAVED = 'Continue';

describe('Back, Reload, a double click and a second tab', () => {
  let gatehouse: Gatehouse;
  let app: App;
  let party: RelyingParty;
  let enrolled: EnrolledPerson;
  let weak: Person;
  let context: BrowserContext;

  before(async () => {
    gatehouse = await startGatehouse({ env: WITH_FACTOR });
    app = await startApp();
    party = await createParty(gatehouse, app);
    enrolled = await createEnrolledPerson(gatehouse, await createRelyingParty(gatehouse));
    weak = await createWeakPerson(gatehouse);
  });
  after(async () => {
    app.stop();
    await gatehouse.stop();
  });
  afterEach(() => context.close());

  const browse = async (javaScriptEnabled = true): Promise<Page> => {
    context = await (await sharedBrowser()).newContext({ javaScriptEnabled });
    context.setDefaultTimeout(15_000);
    return context.newPage();
  };
  const fill = (page: Page, name: string, text: string) =>
    page.getByLabel(name, { exact: true }).fill(text);
  const follow = (page: Page, name: string) =>
    page.getByRole('link', { name, exact: true }).first().click();
  const begin = (page: Page) => askToSignIn(page, app, party);

  const afterPassword = async (page: Page, person: Omit<Person, 'id'>) => {
    await begin(page);
    await signIn(page, person);
  };
  const afterCode = async (page: Page, person: EnrolledPerson) => {
    await afterPassword(page, person);
    await gatehouse.advance('30s');
    await fill(page, '6-digit code', codeFor(person.secret));
    await press(page, 'Verify & Login');
  };
  const openAccount = async (page: Page) => {
    await afterCode(page, enrolled);
    await expectPage(page, 'Allow access');
    await page.goto(`${gatehouse.url}/account`);
    await expectPage(page, 'Account');
  };
  const openInAccount = (link: string, heading: string) => async (page: Page) => {
    await openAccount(page);
    await follow(page, link);
    await expectPage(page, heading);
  };
  const toCodeScreen = async (page: Page) => {
    await afterPassword(page, await createPerson(gatehouse));
    await press(page, 'Next');
  };
  const passwords = (first: string, second: string) => async (page: Page) => {
    await fill(page, 'New password', first);
    await fill(page, 'Confirm new password', second);
  };

  const FORMS: Readonly<Record<string, Form>> = {
    'sign in': {
      heading: 'Sign in',
      open: async (page) => {
        await begin(page);
      },
      fill: async (page) => {
        await fill(page, 'Email', `${Math.random()}@example.com`.slice(2));
        await fill(page, 'Password', 'wrong');
      },
      button: 'Sign in',
      reads: ["don't match"],
    },
    'second factor': {
      heading: 'Two-factor authentication',
      open: (page) => afterPassword(page, enrolled),
      fill: (page) => fill(page, '6-digit code', '000000'),
      button: 'Verify & Login',
      reads: ['9 attempts left', '8 attempts left', '7 attempts left'],
    },
    'new password': {
      heading: 'Update your password',
      open: (page) => afterPassword(page, weak),
      fill: passwords('short', 'short'),
      button: 'Update password',
      reads: ['of the requirements'],
    },
    'first authenticator': {
      heading: 'Set up two-factor authentication',
      open: toCodeScreen,
      fill: (page) => fill(page, 'Enter 6-digit code', '000000'),
      button: CONFIRM,
      reads: ["That code isn't right"],
    },
    'backup codes': {
      heading: SAVE,
      open: async (page) => {
        await toCodeScreen(page);
        const secret = await secretOf(page);
        await fill(page, 'Enter 6-digit code', codeFor(secret));
        await press(page, CONFIRM);
        await expectPage(page, SAVE);
      },
      fill: async () => undefined,
      button: SAVED,
      reads: ['Save the codes, then'],
    },
    'forgot password': {
      heading: 'Forgot your password?',
      open: async (page) => {
        await page.goto(`${gatehouse.url}/forgot-password`);
      },
      fill: (page) => fill(page, 'Email', 'nobody'),
      button: 'Send reset link',
      reads: ['email address'],
    },
    'reset password': {
      heading: 'Choose a new password',
      open: async (page) => {
        await page.goto(await askForLink(gatehouse, (await createPerson(gatehouse)).email));
        await press(page, 'Continue');
      },
      fill: passwords('one', 'another'),
      button: 'Update password',
      reads: ["passwords don't match"],
    },
    'change password': {
      heading: 'Change password',
      open: openInAccount('Change password', 'Change password'),
      fill: async (page) => {
        await fill(page, 'Current password', 'wrong');
        await passwords('Vemo4-Lurk8-Pazi2', 'another')(page);
      },
      button: 'Change password',
      reads: ["passwords don't match"],
    },
    'another authenticator': {
      heading: 'Add authenticator',
      open: async (page) => {
        await openInAccount('Add authenticator', 'Add authenticator')(page);
        await press(page, 'Next');
      },
      fill: (page) => fill(page, 'Enter 6-digit code', '000000'),
      button: CONFIRM,
      reads: ["That code isn't right"],
    },
    'name of an authenticator': {
      heading: 'Rename authenticator',
      open: openInAccount('Rename', 'Rename authenticator'),
      fill: (page) => fill(page, 'Device name', ' '),
      button: 'Save',
      reads: ['Enter a name'],
    },
    'new backup codes': {
      heading: SAVE,
      open: openInAccount('Get new backup codes', SAVE),
      fill: async () => undefined,
      button: SAVED,
      reads: ['Save the codes, then'],
    },
  };

  const secretOf = async (page: Page) => {
    await follow(page, 'Back to the QR code');
    const text = await mainText(page);
    await press(page, 'Next');
    return /(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}/.exec(text)?.[0] ?? '';
  };

  /** Methods of the pages that were loaded during an act. */
  const methodsOf = async (page: Page, act: () => Promise<unknown>): Promise<string[]> => {
    const factors: string[] = [];
    const note = (request: { isNavigationRequest(): boolean; method(): string }) => {
      if (request.isNavigationRequest()) factors.push(request.method());
    };
    page.on('request', note);
    await act();
    page.off('request', note);
    return factors;
  };

  for (const [name, form] of Object.entries(FORMS)) {
    const send = async (page: Page, reads: string, click: 'click' | 'dblclick' = 'click') => {
      await form.fill(page);
      await page.getByRole('button', { name: form.button, exact: true })[click]();
      await page.getByText(reads).first().waitFor();
      await expectPage(page, form.heading);
    };
    const reading = (time: number) => form.reads[time] ?? String(form.reads.at(-1));

    it(`${name}: refused, then Reload and Back send nothing again`, async () => {
      const page = await browse();
      await form.open(page);
      await send(page, reading(0));
      expect(await methodsOf(page, () => page.reload()), 'Reload').to.deep.equal(['GET']);
      await expectPage(page, form.heading);
      expect(await page.getByText(reading(0), { exact: false }).count()).to.equal(0);
      await send(page, reading(1));
      const back = await methodsOf(page, () => page.goBack());
      expect(back, 'Back').not.to.include('POST');
      expect(await page.getByRole('heading', { level: 1 }).count()).to.equal(1);
      await page.goForward();
      const tab = await context.newPage();
      await tab.goto(page.url());
      await send(tab, reading(2));
    });

    it(`${name}: a double click is read as one`, async () => {
      const page = await browse(false);
      await form.open(page);
      await form.fill(page);
      await page.getByRole('button', { name: form.button, exact: true }).dblclick();
      await expectPage(page, form.heading);
      expect(await methodsOf(page, () => page.reload()), 'Reload').to.deep.equal(['GET']);
    });
  }

  it('forgot password: the answer is there after Reload, and Back shows the form', async () => {
    const page = await browse();
    await page.goto(`${gatehouse.url}/forgot-password`);
    await fill(page, 'Email', 'nobody@example.com');
    await press(page, 'Send reset link');
    await expectPage(page, 'Check your email');
    expect(await methodsOf(page, () => page.reload())).to.deep.equal(['GET']);
    expect(await mainText(page)).to.include('nobody@example.com');
    await page.goBack();
    await expectPage(page, 'Forgot your password?');
  });

  for (const answer of ['Allow', 'Deny'] as const) {
    it(`consent: ${answer} twice leads to the application, and so does Back`, async () => {
      const page = await browse(false);
      await afterCode(
        page,
        await createEnrolledPerson(gatehouse, await createRelyingParty(gatehouse)),
      );
      await expectPage(page, 'Allow access');
      const { pathname } = new URL(page.url());
      await page.getByRole('button', { name: answer, exact: true }).dblclick();
      await answerAt(page, app);
      await page.goto(`${gatehouse.url}${pathname}`);
      expect((await answerAt(page, app)).path).to.equal('/');
    });
  }

  it('a finished sign-in is no expired one: its address and a second tab lead on', async () => {
    const page = await browse();
    const person = await createEnrolledPerson(gatehouse, await createRelyingParty(gatehouse));
    await begin(page);
    const tab = await context.newPage();
    await tab.goto(page.url());
    await signIn(page, person);
    await gatehouse.advance('30s');
    const address = page.url();
    await fill(page, '6-digit code', codeFor(person.secret));
    await page.getByRole('button', { name: 'Verify & Login', exact: true }).dblclick();
    await press(page, 'Allow');
    await answerAt(page, app);
    await page.goto(address);
    expect((await answerAt(page, app)).path, 'its address').to.equal('/');
    await signIn(tab, person);
    expect((await answerAt(tab, app)).path, 'a second tab').to.equal('/');
  });
});
