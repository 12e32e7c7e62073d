// What stands in each mail: words of the catalogue, a few facts, and one way to act.
import type { MailValues } from '../domain/notices/mails.ts';
import type { Notice } from '../domain/notices/notices.ts';
import { CODE_USED, CODES_RENEWED } from '../domain/notices/notices.ts';

export type MailTemplate = Notice['kind'] | 'reset-link' | 'first-admin';
type Fact = 'at' | 'browser' | 'address' | 'left';
type Action = 'link' | 'forgot' | 'account' | 'not-me';

interface Shape {
  readonly facts: readonly Fact[];
  readonly action?: Action;
}

const SHAPES = {
  'reset-link': { facts: [], action: 'link' },
  'first-admin': { facts: [], action: 'link' },
  'password-changed': { facts: ['at'], action: 'forgot' },
  'factor-added': { facts: ['at'], action: 'forgot' },
  'factor-removed': { facts: ['at'], action: 'forgot' },
  [CODE_USED]: { facts: ['at', 'left'], action: 'forgot' },
  [CODES_RENEWED]: { facts: ['at'], action: 'forgot' },
  'new-device': { facts: ['browser', 'address', 'at'], action: 'forgot' },
  'new-browser': { facts: ['at', 'browser', 'address'], action: 'not-me' },
  lockout: { facts: [] },
  'password-known': { facts: ['at'], action: 'forgot' },
  'admin-reset-2fa': { facts: ['at'], action: 'account' },
  'admin-reset-password': { facts: ['at'] },
} as const satisfies Readonly<Record<MailTemplate, Shape>>;

export interface MailContent {
  readonly subject: string;
  readonly title: string;
  readonly text: string;
  readonly facts: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly action: { readonly label: string; readonly url: string } | undefined;
  /** What to do if it was not oneself. */
  readonly otherwise: string;
  /** The action is what the mail is for, not what helps if it was not oneself. */
  readonly actFirst: boolean;
}

export interface ContentNeeds {
  readonly t: (key: string, values?: MailValues) => string;
  readonly product: string;
  readonly issuer: string;
}

export interface Told {
  readonly template: string;
  readonly values: MailValues;
  readonly address: string;
  readonly link: string | undefined;
}

/** Throws for a template that there is not. */
export function contentOf({ template, values, address, link }: Told, needs: ContentNeeds) {
  const shape: Shape | undefined = SHAPES[template as MailTemplate];
  if (!shape) throw new Error(`there is no mail "${template}"`);
  const words = describe(values, needs);
  const say = (key: string) => needs.t(`mail.${template}.${key}`, words);
  const fact = (name: string, value = '') => ({ name: needs.t(`mail.facts.${name}`), value });
  return {
    subject: say('subject'),
    title: say('title'),
    text: say('text'),
    facts: [fact('account', address), ...shape.facts.map((name) => fact(name, words[name]))],
    action: shape.action && actionOf(shape.action, link, needs),
    otherwise: say('otherwise'),
    actFirst: shape.action === 'link',
  } satisfies MailContent;
}

function actionOf(action: Action, link: string | undefined, { t, issuer }: ContentNeeds) {
  const urls = {
    link,
    'not-me': link,
    forgot: `${issuer}/forgot-password`,
    account: `${issuer}/account`,
  };
  const url = urls[action];
  if (url === undefined) throw new Error('the link of a mail is not there');
  return { label: t(`mail.actions.${action}`), url };
}

const MINUTE = 60_000;

function describe(values: MailValues, { t, product }: ContentNeeds): Record<string, string> {
  const words: Record<string, string> = { product };
  for (const [name, value] of Object.entries(values)) words[name] = String(value);
  for (const name of ['at', 'until', 'expires']) {
    // A pause is never said to end before it does.
    const round = name === 'until' ? Math.ceil : Math.floor;
    if (name in values) words[name] = describeTime(round(Number(values[name]) / MINUTE) * MINUTE);
  }
  if ('browser' in values) words.browser = describeBrowser(values, t);
  return words;
}

/** `22 November 2026 at 14:32 UTC` */
function describeTime(at: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(at);
}

function describeBrowser({ browser, system }: MailValues, t: ContentNeeds['t']): string {
  if (browser && system) return t('mail.browser-on', { browser, system });
  return String(browser || system) || t('mail.browser-unknown');
}
