// What a counter says under its policy. Pure: store/limits.ts asks the same in its statement.
import type { Count, Counter } from '../../store/limits.ts';
import { type Policy, UNLIMITED } from './policies.ts';

/** A process that died left its attempts in flight: after this long they count as failed. */
const LOST_AFTER = 30_000;
export const NEVER = Number.MAX_SAFE_INTEGER;

/** One counter of an attempt. */
export interface Slot {
  readonly key: string;
  readonly subject: string | undefined;
  readonly policy: Policy;
}

/** How an attempt `at` is counted; `waivedBy` is the key of its name's own window. */
export function countOf({ key, subject, policy }: Slot, at: number, waivedBy: string): Count {
  const { limit, pause } = policy;
  return {
    key,
    rule: policy.rule,
    subject,
    at,
    limit,
    pause,
    waivedBy: policy.sparesNewNames ? waivedBy : '',
    startedUntil: restartLine(policy, 'window', at),
    lastUntil: restartLine(policy, 'quiet', at),
    lostUntil: at - LOST_AFTER,
    expiresAt: expiryOf(policy, at),
  };
}

function restartLine({ restart }: Policy, kind: 'window' | 'quiet', at: number): number {
  return restart.kind === kind ? at - restart.length : -1;
}

function expiryOf({ restart, pause }: Policy, at: number): number {
  return restart.kind === 'never' ? NEVER : at + restart.length + pause.longest;
}

export function hasRestarted(counter: Counter, policy: Policy, at: number): boolean {
  return (
    counter.failures === 0 ||
    counter.startedAt <= restartLine(policy, 'window', at) ||
    counter.lastAt <= restartLine(policy, 'quiet', at)
  );
}

export type Standing =
  | { readonly kind: 'open' }
  /** `until` undefined: time alone does not open it. */
  | { readonly kind: 'closed'; readonly until: number | undefined };

const OPEN: Standing = { kind: 'open' };

/** @param isNewName its identifier has no failure in its own window */
export function standingOf(
  counter: Counter | undefined,
  policy: Policy,
  at: number,
  isNewName = false,
): Standing {
  if (!counter) return OPEN;
  if (counter.pausedUntil > at) return { kind: 'closed', until: counter.pausedUntil };
  if (hasRestarted(counter, policy, at) || counter.failures < policy.limit) return OPEN;
  if (policy.sparesNewNames && isNewName) return OPEN;
  return { kind: 'closed', until: restartOf(counter, policy) };
}

/** When it begins anew by itself; undefined: never. */
export function restartOf({ startedAt, lastAt }: Counter, { restart }: Policy): number | undefined {
  if (restart.kind === 'never') return undefined;
  return (restart.kind === 'window' ? startedAt : lastAt) + restart.length;
}

/** The counter as it would stand if everything in flight turned out right. */
export function withoutPending(counter: Counter, at: number): Counter {
  const { pending, failures } = counter;
  if (pending === 0 || counter.lastAt <= at - LOST_AFTER) return counter;
  return { ...counter, pending: 0, failures: Math.max(0, failures - pending), pausedUntil: 0 };
}

/** How many more failures until the counter closes; 0 where it is closed. */
export function leftOf(counter: Counter | undefined, policy: Policy, at: number): number {
  if (standingOf(counter, policy, at).kind === 'closed') return 0;
  const failures = counter && !hasRestarted(counter, policy, at) ? counter.failures : 0;
  return Math.min(policy.limit - failures, untilPause(failures, policy));
}

function untilPause(failures: number, { pause: { after, every } }: Policy): number {
  return failures < after ? after - failures : every - ((failures - after) % every);
}

/** How long the counter stays closed when it first closes; undefined: until somebody opens it. */
export function closedFor({ limit, restart, pause }: Policy): number | undefined {
  if (limit === UNLIMITED) return pause.first;
  return restart.kind === 'never' ? undefined : restart.length;
}
