// Mails the owner of an account when a limit closes: for unknown names just as much is written.
import type { Whose } from '../domain/known-browsers.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import { type Notices, noticeOfLimit } from '../domain/notices.ts';
import type { Log } from '../lib/log.ts';
import { logFailure } from '../lib/repeated-lines.ts';
import type { Method } from '../methods/index.ts';
import type { Store } from '../store/store.ts';
import type { Flow } from './flow.ts';

export interface TellOfLimitNeeds {
  readonly store: Store;
  readonly notices: Notices;
  readonly log: Log;
}

interface Attempted {
  readonly method: Method;
  readonly input: unknown;
}

/** Whose counters an attempt moved: an account's, or those of a name that somebody typed. */
export function whoseAttempt({ row }: Flow, { method, input }: Attempted): Whose {
  const { accountId } = row;
  return accountId === undefined ? { emailKey: method.identify?.(input) ?? '' } : { accountId };
}

/** A mail that cannot be written changes nothing about the refusal. */
export async function tellOfLimit(
  remaining: Remaining,
  whose: Whose,
  { store, notices, log }: TellOfLimitNeeds,
): Promise<void> {
  const notice = noticeOfLimit(remaining);
  if (!notice) return;
  await store.commit([notices.tellOnce(whose, notice)]).catch((error: unknown) => {
    logFailure(log, error, 'nobody was told of a limit');
  });
}
