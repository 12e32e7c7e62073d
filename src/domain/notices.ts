// What people are told about their accounts: one mail for each kind, with no secret in it.
import { now } from '../lib/clock.ts';
import { describeAgent } from '../lib/user-agents.ts';
import type { Vault } from '../lib/vault.ts';
import type { Outbox } from '../store/outbox.ts';
import type { Statement } from '../store/statement.ts';
import type { Whose } from './known-browsers.ts';
import type { Remaining } from './limits/remaining.ts';
import { createMails, type MailValues } from './mails.ts';

export type Notice =
  | { readonly kind: 'password-changed' }
  | { readonly kind: 'factor-added'; readonly name: string }
  | { readonly kind: 'factor-removed'; readonly name: string }
  | { readonly kind: 'backup-code-used'; readonly left: number }
  | { readonly kind: 'backup-codes-renewed' }
  /** A device was trusted. Times are in milliseconds. */
  | {
      readonly kind: 'new-device';
      readonly userAgent: string;
      readonly address: string;
      readonly at: number;
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
  tell(account: Notified, notice: Notice): Statement;
  /** At most once a day. The same statement whether there is such an account or not. */
  tellOnce(whose: Whose, notice: Notice): Statement;
}

interface Needs {
  readonly outbox: Outbox;
  readonly vault: Vault;
}

export function createNotices(needs: Needs): Notices {
  const mails = createMails(needs);
  return {
    tell: ({ email }, notice) =>
      mails.write({ template: notice.kind, to: email, values: valuesOf(notice) }),
    tellOnce: (whose, notice) =>
      mails.writeOnce({ template: notice.kind, to: whose, values: valuesOf(notice) }),
  };
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
    case 'backup-code-used':
      return { at, left: notice.left };
    case 'new-device':
      return { at: notice.at, address: notice.address, ...describeAgent(notice.userAgent) };
    case 'lockout':
      return { at, until: notice.until };
    default:
      return { at };
  }
}

function oneLine(text: string): string {
  return [...text.replace(/\p{C}+/gu, ' ').trim()].slice(0, LONGEST_NAME).join('');
}
