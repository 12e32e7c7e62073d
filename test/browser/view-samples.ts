// What routes give the views of the second factor and of the account pages, made up.
import { join } from 'node:path';
import { toDataURL } from 'qrcode';
import { STRENGTHS } from '../../src/domain/passwords/strength.js';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { loadCatalogue } from '../../src/web/catalogue.ts';
import type { PageData } from '../../src/web/render.ts';

export interface Sample {
  readonly view: string;
  readonly heading: string;
  readonly data: PageData;
  /** What most people want of the page: in sight on the smallest phone. */
  readonly main?: string;
}

const t = loadCatalogue('en');
const EMAIL = 'maria.lindqvist@example.com';
export const KEY = 'JBSW Y3DP EHPK 3PXP GEZD GNBV GY3T QOJQ';
export const OTPAUTH =
  `otpauth://totp/Gatehouse:${EMAIL}?secret=${KEY.replaceAll(' ', '')}` +
  '&issuer=Gatehouse&algorithm=SHA1&digits=6&period=30';
export const CODES = [
  'K7QF-2M9X',
  'ABCD-1234',
  'W0TZ-8RNE',
  '5HGV-QP3C',
  'J9YB-6XKD',
  'M4SA-7TWF',
  '0ZQR-N2VH',
  'E8CP-5JGM',
  'T3XK-9BDY',
  'R6NW-HF1Z',
];

const signingIn: PageData = {
  client: { name: 'Example App' },
  csrf: 'token',
  progress: { step: 2, of: 2 },
  account: { email: EMAIL, name: 'Maria Lindqvist' },
  actions: {
    submit: '/posted/submit',
    cancel: '/posted/cancel',
    switch: '/posted/switch',
    later: '/posted/later',
    download: '/download',
  },
};

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** When the samples were taken, to which their days are relative. */
export const TAKEN_AT = Date.now();

/** What was a moment ago was today, also shortly after midnight. */
function momentFromNow(fromNow: number): number {
  const at = TAKEN_AT + fromNow;
  const isJustNow = fromNow < 0 && fromNow > -60 * MINUTE;
  return isJustNow ? Math.max(at, new Date(TAKEN_AT).setUTCHours(0, 0, 0, 0)) : at;
}

/** As the server writes it: an instant, and the same in UTC. */
function when(fromNow: number) {
  const date = new Date(momentFromNow(fromNow));
  const parts = { day: 'numeric', month: 'long', timeZone: 'UTC' } as const;
  return { iso: date.toISOString(), text: new Intl.DateTimeFormat('en-GB', parts).format(date) };
}

const refused = (name: string) => ({
  alert: {
    kind: 'error',
    text: `${t(`${name}.refused`)} ${t(`${name}.again`)} 8 attempts left.`,
  },
});
const limited = {
  alert: { kind: 'error', text: t('limits.limited'), retryAt: when(12 * MINUTE + 40_000) },
};

interface Factor {
  readonly name: string;
  readonly others: readonly string[];
  readonly challenge?: object;
}

function factor({ name, others, challenge }: Factor): PageData {
  return {
    ...signingIn,
    support: 'help@example.com',
    days: 30,
    factor: {
      name,
      scripts: [],
      texts: name,
      view: join(PROJECT_ROOT, 'views/factors', `${name}.ejs`),
      title: t(`${name}.title`),
      why: t(`${name}.why`),
      button: t(`${name}.submit`),
      canTrust: name !== 'backup-codes',
      ...challenge,
    },
    others: others.map((other) => ({ label: t(`${other}.link`), href: `/other/${other}` })),
  };
}

const page = (view: string, heading: string, main?: string) => (data: PageData) => ({
  view,
  heading,
  ...(main ? { main } : {}),
  data,
});

const totpPage = page('steps/second-factor', 'Two-factor authentication', 'Verify & Login');
const totp = factor({ name: 'totp', others: ['backup-codes', 'sms'] });
const backupPage = page('steps/second-factor', 'Use a backup code', 'Verify with backup code');
const backup = factor({ name: 'backup-codes', others: ['totp', 'sms'] });
const text = (sent: boolean) =>
  factor({
    name: 'sms',
    others: ['totp', 'backup-codes'],
    challenge: { number: '45', sent, sendAction: '/posted/send' },
  });
const textPage = (main: string) => page('steps/second-factor', 'Enter the code we texted', main);

const secondFactor: Readonly<Record<string, Sample>> = {
  totp: totpPage(totp),
  'totp-refused': totpPage({ ...totp, ...refused('totp') }),
  'totp-empty': totpPage({ ...totp, errors: { code: t('totp.missing') } }),
  'totp-clock': totpPage({
    ...totp,
    alert: { kind: 'error', text: t('totp.clock-behind', { minutes: 3 }) },
  }),
  'totp-limited': totpPage({ ...totp, ...limited }),
  'totp-limited-seconds': totpPage({
    ...totp,
    alert: { ...limited.alert, retryAt: { ...limited.alert.retryAt, seconds: 760 } },
  }),
  'backup-code': backupPage(backup),
  'backup-code-refused': backupPage({ ...backup, ...refused('backup-codes') }),
  'text-offer': textPage('Send code')(text(false)),
  'text-sent': textPage('Verify & Login')(text(true)),
  'text-refused': textPage('Verify & Login')({ ...text(true), ...refused('sms') }),
};

const setup = { qr: await toDataURL(OTPAUTH, { width: 400 }), key: KEY, uri: OTPAUTH };
const enrolling = (factor: string, texts: string, view: string): PageData => ({
  factor,
  texts,
  view: join(PROJECT_ROOT, 'views/factors', `${view}.ejs`),
  factorScripts: factor === 'totp' ? ['copy.js'] : [],
  others: [],
});
const scan = { ...enrolling('totp', 'enrol-totp', 'totp-setup'), setup };
const scanned = { ...enrolling('totp', 'enrol-totp', 'totp-confirm'), setup: {} };
const toNumber = { ...enrolling('sms', 'add-phone', 'sms-number'), setup: {} };
const texted = {
  ...enrolling('sms', 'add-phone', 'sms-confirm'),
  setup: { phone: '+442079460000' },
};
const enrol = {
  ...signingIn,
  ...scan,
  others: [{ label: t('add-phone.instead'), href: '/elsewhere/sms' }],
};
const grace = { days: 6, date: when(6 * DAY) };
const VERIFY = 'Verify and Enable 2FA';
const enrolPage = page('steps/enrol-factor', 'Set up two-factor authentication', 'Next');
const codePage = page('steps/enrol-code', 'Set up two-factor authentication', VERIFY);
const enrolPhonePage = page('steps/enrol-factor', 'Set up two-factor authentication', 'Send code');
const enrolPhoneCodePage = page('steps/enrol-code', 'Set up two-factor authentication');
const enrolOthers = [{ label: t('enrol-totp.instead'), href: '/elsewhere/totp' }];
const save = { ...signingIn, codes: CODES };
const savePage = page('steps/save-backup-codes', 'Save your backup codes');
const fewPage = page('steps/few-backup-codes', 'Few backup codes left', 'Get new codes');

const enrolment: Readonly<Record<string, Sample>> = {
  'enrol-factor': enrolPage(enrol),
  'enrol-factor-grace': enrolPage({ ...enrol, grace }),
  'enrol-code': codePage({ ...signingIn, ...scanned, endsOthers: true }),
  'enrol-code-grace': codePage({ ...signingIn, ...scanned, grace }),
  'enrol-code-refused': codePage({ ...signingIn, ...scanned, ...refused('enrol-factor') }),
  'enrol-code-empty': codePage({
    ...signingIn,
    ...scanned,
    grace,
    errors: { code: t('enrol-factor.missing') },
  }),
  'enrol-phone': enrolPhonePage({ ...signingIn, ...toNumber, grace, others: enrolOthers }),
  'enrol-phone-code': enrolPhoneCodePage({ ...signingIn, ...texted }),
  'save-backup-codes': savePage(save),
  'save-backup-codes-unticked': savePage({
    ...save,
    errors: { saved: t('save-backup-codes.not-saved') },
  }),
  'few-backup-codes': fewPage({ ...signingIn, left: 2 }),
  'few-backup-codes-none': fewPage({ ...signingIn, left: 0 }),
};

const accountOf = (actions: object): PageData => ({
  csrf: 'token',
  account: { email: EMAIL, name: 'Maria Lindqvist' },
  actions,
});
const accountPage = page('account/index', 'Account', 'Sign out');
const signedIn = accountOf({ signOut: '/posted/sign-out' });

const authenticator = (id: string, name: string, usedAt: object | null) => ({
  id,
  name,
  kind: 'Authenticator app',
  addedAt: when(-400 * DAY),
  usedAt,
  actions: { rename: `/elsewhere/rename/${id}`, remove: `/elsewhere/remove/${id}` },
});

const sections = {
  password: { changedAt: when(-40 * DAY), href: '/elsewhere/password' },
  authenticators: {
    items: [
      authenticator('1', 'My phone', when(-3 * DAY)),
      authenticator('2', 'Tablet', when(-10 * MINUTE)),
      authenticator(
        '3',
        'Old phone in the kitchen drawer, for the day on which the other one is lost or at home',
        null,
      ),
    ],
    adding: [
      { label: t('enrol-totp.add'), href: '/elsewhere/add' },
      { label: t('add-phone.add'), href: '/elsewhere/phone' },
    ],
  },
  recoveryCodes: { left: 2, of: 10, href: '/elsewhere/codes' },
  devices: {
    items: [
      {
        id: '1',
        label: 'Firefox on Linux',
        trustedAt: when(-3 * DAY),
        until: when(27 * DAY),
        isThis: true,
        forget: '/posted/forget/1',
      },
      {
        id: '2',
        label: 'Safari on iPhone',
        trustedAt: when(-29 * DAY),
        until: when(1 * DAY),
        isThis: false,
        forget: '/posted/forget/2',
      },
    ],
    forgetAll: '/posted/forget-all',
  },
  sessions: {
    items: [
      {
        id: '1',
        label: 'Firefox on Linux',
        address: '203.0.113.7',
        startedAt: when(-20 * MINUTE),
        seenAt: when(-1 * MINUTE),
        isThis: true,
        end: '/posted/end/1',
      },
      {
        id: '2',
        label: 'Safari on iPhone',
        address: '2001:db8:85a3:8d3:1319:8a2e:370:7348',
        startedAt: when(-5 * DAY),
        seenAt: when(-2 * DAY),
        isThis: false,
        end: '/posted/end/2',
      },
    ],
    everywhere: '/posted/everywhere',
  },
  applications: {
    items: [
      {
        name: 'Example App',
        scopes: ['See your name', 'See your email address'],
        since: when(-90 * DAY),
        revoke: '/posted/revoke/1',
      },
    ],
  },
  activity: {
    items: [
      {
        time: when(-20 * MINUTE),
        what: 'Signed in to Example App',
        where: 'Firefox on Linux, 203.0.113.7',
      },
      {
        time: when(-26 * 60 * MINUTE),
        what: 'Refused: wrong code',
        where: 'Safari on iPhone, 2001:db8:85a3:8d3:1319:8a2e:370:7348',
      },
      {
        time: when(-400 * DAY),
        what: 'Authenticator added',
        where: 'Firefox on Linux, 203.0.113.7',
      },
    ],
  },
};

const nothing = {
  password: { changedAt: null, href: '/elsewhere/password' },
  authenticators: {
    items: [],
    adding: [{ label: t('account.authenticators.add'), href: '/elsewhere/add' }],
  },
  recoveryCodes: { left: 0, of: 0 },
  devices: { items: [], forgetAll: '/posted/forget-all' },
  sessions: { items: sections.sessions.items.slice(0, 1), everywhere: '/posted/everywhere' },
  applications: { items: [] },
  activity: { items: [] },
};

const RULES = ['length', 'uppercase', 'lowercase', 'digit', 'special', 'listed', 'personal'];
const bounds = { min: 12, max: 128 };
const passwordData: PageData = {
  ...accountOf({ submit: '/posted/password', check: '/check' }),
  settings: { ...bounds, rules: RULES },
  requirements: RULES.map((rule) => ({
    rule,
    text: t(`password-rules.${rule}`, bounds),
    state: 'open',
  })),
  strengths: STRENGTHS.map((strength) => ({ strength, word: t(`strength.${strength}`) })),
  hints: Object.fromEntries(
    [...RULES, 'start', 'longer', 'more', 'none'].map((key) => [
      key,
      t(`password-hints.${key}`, bounds),
    ]),
  ),
};
const passwordPage = page('account/password', 'Change password');

const submitting = accountOf({ submit: '/posted/submit', download: '/download' });
const renamePage = page('account/rename', 'Rename authenticator', 'Save');
const removePage = page('account/remove', 'Remove authenticator', 'Remove');
const addPage = page('account/add-factor', 'Add authenticator', 'Next');
const addCodePage = page('account/add-factor-code', 'Add authenticator', VERIFY);
const phonePage = page('account/add-factor', 'Add phone number');
const phoneCodePage = page('account/add-factor-code', 'Add phone number');
const confirmPage = (act: string, title: string, name?: string) =>
  page('account/confirm', title, title)({ ...submitting, act, name });

const accountPages: Readonly<Record<string, Sample>> = {
  account: accountPage({ ...signedIn, sections }),
  'account-new': accountPage({
    ...signedIn,
    sections: nothing,
    grace: { ...grace, href: '/elsewhere/add' },
  }),
  'account-done': accountPage({
    ...signedIn,
    sections,
    alert: { kind: 'done', text: t('change-password.done') },
  }),
  'account-password': passwordPage(passwordData),
  'account-password-refused': passwordPage({
    ...passwordData,
    errors: { current_password: t('change-password.refused') },
  }),
  'add-phone': phonePage({ ...submitting, ...toNumber }),
  'add-phone-code': phoneCodePage({ ...submitting, ...texted }),
  'account-add': addPage({ ...submitting, ...scan }),
  'account-add-refused': addCodePage({ ...submitting, ...scanned, ...refused('enrol-factor') }),
  'account-rename': renamePage({ ...submitting, authenticator: { name: 'My phone' } }),
  'account-rename-empty': renamePage({
    ...submitting,
    authenticator: { name: 'My phone' },
    values: { device_name: '' },
    errors: { device_name: t('rename-authenticator.missing') },
  }),
  'account-remove': removePage({
    ...submitting,
    authenticator: { name: 'My phone', isLast: false },
  }),
  'account-remove-last': removePage({
    ...submitting,
    authenticator: { name: 'My phone', isLast: true },
  }),
  'account-codes': {
    view: 'account/backup-codes',
    heading: 'Save your backup codes',
    data: { ...submitting, codes: CODES },
  },
  'account-forget-all': confirmPage('forget-all', 'Forget all devices'),
  'account-everywhere': confirmPage('everywhere', 'Sign out everywhere'),
  'account-revoke': confirmPage('revoke', 'Revoke access', 'Example App'),
  'account-new-codes': confirmPage('new-codes', 'Get new backup codes'),
};

const notMe: Readonly<Record<string, Sample>> = {
  'not-me': {
    view: 'not-me/confirm',
    heading: 'Secure your account',
    main: 'Secure my account',
    data: { csrf: 'token', actions: { submit: '/posted/submit' } },
  },
  'not-me-done': {
    view: 'not-me/done',
    heading: 'Your account is secured',
    data: { actions: { forgot: '/forgot-password' } },
  },
  'not-me-void': {
    view: 'not-me/void',
    heading: 'This link no longer works',
    data: { actions: { forgot: '/forgot-password' } },
  },
};

export const SAMPLES: Readonly<Record<string, Sample>> = {
  ...notMe,
  ...secondFactor,
  ...enrolment,
  ...accountPages,
};
