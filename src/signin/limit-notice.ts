// Mails the owner of an account when a limit closes: for unknown names just as much is written.
import type { Whose } from '../domain/accounts/known-browsers.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import { type Notices, noticeOfLimit } from '../domain/notices/notices.ts';
import type { Factor } from '../factors/index.ts';
import type { Log } from '../lib/log.ts';
import { logFailure } from '../lib/repeated-lines.ts';
import type { Store } from '../store/store.ts';
import type { Flow } from './flow.ts';

export interface NotifyOwnerNeeds {
  readonly store: Store;
  readonly notices: Notices;
  readonly log: Log;
}

interface CredentialInput {
  readonly factor: Factor;
  readonly input: unknown;
}

/** Whose counters an attempt moved: an account's, or those of a name that somebody typed. */
export function whoseAttempt({ row }: Flow, { factor, input }: CredentialInput): Whose {
  const { accountId } = row;
  return accountId === undefined
    ? { normalizedEmail: factor.identify?.(input) ?? '' }
    : { accountId };
}

/** A mail that cannot be written changes nothing about the refusal. */
export async function notifyOwnerOfLimit(
  remaining: Remaining,
  whose: Whose,
  { store, notices, log }: NotifyOwnerNeeds,
): Promise<void> {
  const notice = noticeOfLimit(remaining);
  if (!notice) return;
  await store.commit([notices.noticeOnceFor(whose, notice)]).catch((error: unknown) => {
    logFailure(log, error, 'sending the notice about a limit failed');
  });
}
