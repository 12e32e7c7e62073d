// What people are told about their accounts: one mail for each kind, with no secret in it.
import { now } from '../../lib/clock.ts';
import { describeAgent } from '../../lib/user-agents.ts';
import type { Vault } from '../../lib/vault.ts';
import type { OutboxTable } from '../../store/outbox.ts';
import type { Statement } from '../../store/statement.ts';
import type { Whose } from '../accounts/known-browsers.ts';
import type { Remaining } from '../limits/remaining.ts';
import { createMails, type Mail, type MailValues } from './mails.ts';

/** Mails about recovery codes. */
export const CODE_USED = 'backup-code-used';
export const CODES_RENEWED = 'backup-codes-renewed';

export type Notice =
  | { readonly kind: 'password-changed' }
  | { readonly kind: 'factor-added'; readonly name: string }
  | { readonly kind: 'factor-removed'; readonly name: string }
  | { readonly kind: typeof CODE_USED; readonly left: number }
  | { readonly kind: typeof CODES_RENEWED }
  /** A device was trusted. Times are in milliseconds. */
  | {
      readonly kind: 'new-device';
      readonly userAgent: string;
      readonly address: string;
      readonly at: number;
    }
  /** Signed in from a browser that the account did not know. */
  | {
      readonly kind: 'new-browser';
      readonly userAgent: string;
      readonly address: string;
      readonly at: number;
      /** Says that it was somebody else, until it expires. */
      readonly link: string;
      readonly expires: number;
    }
  | { readonly kind: 'lockout'; readonly until: number }
  /** The first full window of wrong codes. */
  | { readonly kind: 'password-known' }
  | { readonly kind: 'admin-reset-2fa' }
  | { readonly kind: 'admin-reset-password' };

export interface Notified {
  readonly email: string;
  readonly name: string | undefined;
}

export interface Notices {
  /** Belongs into the unit of what it tells. */
  noticeFor(account: Notified, notice: Notice): Statement;
  /** At most once a day. The same statement whether there is such an account or not. */
  noticeOnceFor(whose: Whose, notice: Notice): Statement;
  /** At most once a day for each occasion. */
  tellOn(accountId: string, notice: Notice, occasion: string): Statement;
  /** Whether that is the case today. */
  wasTold(accountId: string, kind: Notice['kind'], occasion: string): Promise<boolean>;
}

interface Needs {
  readonly outboxTable: OutboxTable;
  readonly vault: Vault;
}

export function createNotices(needs: Needs): Notices {
  const mails = createMails(needs);
  return {
    noticeFor: ({ email }, notice) => mails.write(mailOf(notice, email)),
    noticeOnceFor: (whose, notice) => mails.writeOnce(mailOf(notice, whose)),
    tellOn: (accountId, notice, occasion) =>
      mails.writeOnce(mailOf(notice, { accountId }), occasion),
    wasTold: (accountId, template, occasion) =>
      mails.wasWritten({ template, to: { accountId } }, occasion),
  };
}

function mailOf(notice: Notice, to: Mail['to']): Mail {
  const link = notice.kind === 'new-browser' ? { link: notice.link } : {};
  return { template: notice.kind, to, values: valuesOf(notice), ...link };
}

/** What the person is told when a limit is reached, if anything. */
export function noticeOfLimit({ left, rule, retryAt }: Remaining): Notice | undefined {
  if (left > 0) return undefined;
  if (rule === 'codes') return { kind: 'password-known' };
  const isLockout = rule === 'lockout' || rule === 'known-browser-lockout';
  return isLockout && retryAt !== undefined ? { kind: 'lockout', until: retryAt } : undefined;
}

const LONGEST_NAME = 60;

/** What a stranger has written comes down to words of ours, or to a short line. */
function valuesOf(notice: Notice): MailValues {
  const at = now();
  switch (notice.kind) {
    case 'factor-added':
    case 'factor-removed':
      return { at, name: oneLine(notice.name) };
    case CODE_USED:
      return { at, left: notice.left };
    case 'new-device':
      return { at: notice.at, address: notice.address, ...describeAgent(notice.userAgent) };
    case 'new-browser': {
      const { address, userAgent, expires } = notice;
      return { at: notice.at, address, expires, ...describeAgent(userAgent) };
    }
    case 'lockout':
      return { at, until: notice.until };
    default:
      return { at };
  }
}

function oneLine(text: string): string {
  return [...text.replace(/\p{C}+/gu, ' ').trim()].slice(0, LONGEST_NAME).join('');
}
