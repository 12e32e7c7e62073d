// What routes give the views of the second factor and of the account pages, made up.
import { join } from 'node:path';
import { toDataURL } from 'qrcode';
import type { PageData } from '../../src/http/render.ts';
import { loadTexts } from '../../src/http/texts.ts';
import { PROJECT_ROOT } from '../../src/lib/root.ts';

export interface Sample {
  readonly view: string;
  readonly heading: string;
  readonly data: PageData;
  /** What most people want of the page: in sight on the smallest phone. */
  readonly main?: string;
}

const t = loadTexts('en');
const EMAIL = 'maria.lindqvist@example.com';
const KEY = 'JBSW Y3DP EHPK 3PXP GEZD GNBV GY3T QOJQ';
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

/** As the server writes it: an instant, and the same in UTC. */
function when(fromNow: number) {
  const date = new Date(Date.now() + fromNow);
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
  readonly method?: object;
}

function factor({ name, others, method }: Factor): PageData {
  return {
    ...signingIn,
    support: 'help@example.com',
    days: 30,
    method: {
      name,
      view: join(PROJECT_ROOT, 'views/methods', `${name}.ejs`),
      title: t(`${name}.title`),
      why: t(`${name}.why`),
      button: t(`${name}.submit`),
      canTrust: name !== 'backup-codes',
      ...method,
    },
    others: others.map((other) => ({ label: t(`${other}.link`), href: `/other/${other}` })),
  };
}

const page = (view: string, heading: string, main: string) => (data: PageData) => ({
  view,
  heading,
  main,
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
    method: { number: '45', sent, sendAction: '/posted/send' },
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
  'backup-code': backupPage(backup),
  'backup-code-refused': backupPage({ ...backup, ...refused('backup-codes') }),
  'text-offer': textPage('Send code')(text(false)),
  'text-sent': textPage('Verify & Login')(text(true)),
  'text-refused': textPage('Verify & Login')({ ...text(true), ...refused('sms') }),
};

const setup = { qr: await toDataURL(OTPAUTH, { width: 400 }), key: KEY, uri: OTPAUTH };
const enrol = { ...signingIn, setup };
const grace = { days: 6, date: when(6 * DAY) };
const enrolPage = page(
  'steps/enrol-factor',
  'Set up two-factor authentication',
  'Verify and Enable 2FA',
);
const save = { ...signingIn, codes: CODES };
const savePage = (data: PageData): Sample => ({
  view: 'steps/save-backup-codes',
  heading: 'Save your backup codes',
  data,
});
const fewPage = page('steps/few-backup-codes', 'Few backup codes left', 'Get new codes');

const enrolment: Readonly<Record<string, Sample>> = {
  'enrol-factor': enrolPage(enrol),
  'enrol-factor-grace': enrolPage({ ...enrol, grace }),
  'enrol-factor-refused': enrolPage({
    ...enrol,
    ...refused('enrol-factor'),
    values: { device_name: 'My phone' },
  }),
  'enrol-factor-empty': enrolPage({ ...enrol, grace, errors: { code: t('enrol-factor.missing') } }),
  'save-backup-codes': savePage(save),
  'save-backup-codes-unticked': savePage({
    ...save,
    errors: { saved: t('save-backup-codes.not-saved') },
  }),
  'few-backup-codes': fewPage({ ...signingIn, left: 2 }),
  'few-backup-codes-none': fewPage({ ...signingIn, left: 0 }),
};

export const SAMPLES: Readonly<Record<string, Sample>> = { ...secondFactor, ...enrolment };
