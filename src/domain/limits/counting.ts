// What a counter says under its policy. Pure: store/limits.ts asks the same in its statement.
import type { Count, Counter } from '../../store/limits.ts';
import { type Policy, UNLIMITED } from './policies.ts';

/**
 * A process that was killed left its attempts in flight: once no other has been reserved for this long
 * they are given back. Nobody learned what became of them ({@link OVERDUE_AFTER}).
 */
export const LOST_AFTER = 15_000;
/** An attempt that took longer says nothing: by the time it did, it might have been given back. */
export const OVERDUE_AFTER = 10_000;
/** Clocks of nodes may differ by less. What is further ahead was made before a clock was set back. */
const AHEAD = 10_000;
export const NEVER = Number.MAX_SAFE_INTEGER;

/** One counter of an attempt. */
export interface Slot {
  readonly key: string;
  readonly subject: string | undefined;
  readonly policy: Policy;
  /** It closes nothing, but tells how much of that counter one name has added. */
  readonly shareOf?: string;
}

/** How an attempt `at` is counted; {@link standingOf} says what `isReturning` is. */
export function countOf(
  { key, subject, policy, shareOf = '' }: Slot,
  at: number,
  isReturning = false,
): Count {
  const { limit, pause } = policy;
  return {
    key,
    rule: policy.rule,
    subject,
    at,
    limit,
    pause,
    shareOf,
    isEarly: isReturning && policy.carry !== undefined,
    startedUntil: restartLine(policy, 'window', at),
    lastUntil: restartLine(policy, 'quiet', at),
    lostUntil: at - LOST_AFTER,
    isPace: policy.isPace,
    pauseVoidFrom: at + AHEAD,
    countVoidFrom: policy.restart.kind === 'never' ? NEVER : at + AHEAD,
    expiresAt: expiryOf(policy, at),
  };
}

function restartLine({ restart }: Policy, kind: 'window' | 'quiet', at: number): number {
  return restart.kind === kind ? at - restart.length : -1;
}

function expiryOf({ restart, pause, carry }: Policy, at: number): number {
  if (restart.kind === 'never') return NEVER;
  const windows = carry ? 1 + Math.ceil(carry.most / carry.from) : 1;
  return at + windows * restart.length + pause.longest;
}

/** Undefined unless a window is over that leaves something to the next. */
export function carryOf({ key, policy }: Slot, found: Counter | undefined, at: number) {
  const { carry, restart } = policy;
  if (!carry || restart.kind !== 'window' || !found) return undefined;
  const isOver = found.startedAt <= at - restart.length;
  return isOver ? { key, at, window: restart.length, ...carry } : undefined;
}

/** The counter without what processes that were killed have left in flight. */
export function withoutLost(counter: Counter, { isPace }: Policy, at: number): Counter {
  const { pending, failures, lastAt, pausedUntil } = counter;
  if (pending === 0 || lastAt > at - LOST_AFTER) return counter;
  return {
    ...counter,
    pending: 0,
    failures: failures - pending,
    pausedUntil: isPace ? pausedUntil : 0,
  };
}

export function hasRestarted(counter: Counter, policy: Policy, at: number): boolean {
  const isOfOtherClock = policy.restart.kind !== 'never' && counter.lastAt > at + AHEAD;
  return (
    isOfOtherClock ||
    withoutLost(counter, policy, at).failures === 0 ||
    counter.startedAt <= restartLine(policy, 'window', at) ||
    counter.lastAt <= restartLine(policy, 'quiet', at)
  );
}

export type Standing =
  | { readonly kind: 'open' }
  /** `until` undefined: time alone does not open it. */
  | { readonly kind: 'closed'; readonly until: number | undefined };

const OPEN: Standing = { kind: 'open' };

/**
 * @param isReturning the name has failed under it before. Then half of the pause between strangers is
 *   enough: who has begun ends sooner, and takes the failures back that slow the others down.
 */
export function standingOf(
  found: Counter | undefined,
  policy: Policy,
  at: number,
  isReturning = false,
): Standing {
  if (!found) return OPEN;
  const counter = withoutLost(found, policy, at);
  const pausedUntil = isReturning ? earlyEndOf(counter, policy) : counter.pausedUntil;
  const isVoid = counter.lastAt > at + AHEAD;
  if (pausedUntil > at && !isVoid) return { kind: 'closed', until: pausedUntil };
  if (hasRestarted(counter, policy, at) || counter.failures < policy.limit) return OPEN;
  return { kind: 'closed', until: restartOf(counter, policy) };
}

function earlyEndOf({ lastAt, pausedUntil }: Counter, { carry, pause }: Policy): number {
  const isLongest = pausedUntil - lastAt >= pause.longest;
  return carry && !isLongest ? Math.ceil((lastAt + pausedUntil) / 2) : pausedUntil;
}

/** When it begins anew by itself; undefined: never. */
export function restartOf({ startedAt, lastAt }: Counter, { restart }: Policy): number | undefined {
  if (restart.kind === 'never') return undefined;
  return (restart.kind === 'window' ? startedAt : lastAt) + restart.length;
}

/** The counter as it would stand if everything in flight turned out right. */
export function withoutPending(counter: Counter, policy: Policy, at: number): Counter {
  const { pending, pausedUntil } = counter;
  if (pending === 0 || counter.lastAt <= at - LOST_AFTER) return withoutLost(counter, policy, at);
  const { isPace, pause } = policy;
  const failures = Math.max(0, counter.failures - pending);
  // Where attempts are paced, nobody is kept waiting for the one that is being looked at.
  const isPaced = isPace && failures >= pause.after;
  return { ...counter, pending: 0, failures, pausedUntil: isPaced ? pausedUntil : 0 };
}

/** How many more failures until the counter closes; 0 where it is closed. */
export function leftOf(found: Counter | undefined, policy: Policy, at: number): number {
  if (standingOf(found, policy, at).kind === 'closed') return 0;
  const counter = found && withoutLost(found, policy, at);
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
