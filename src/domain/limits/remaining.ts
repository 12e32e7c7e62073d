// How many more attempts there are, and what follows them.
import type { Counter } from '../../store/limits.ts';
import { closedFor, leftOf, restartOf, type Slot, standingOf } from './counting.ts';
import { type Rule, UNLIMITED } from './policies.ts';

export interface Remaining {
  readonly left: number;
  /** The rule that closes first. */
  readonly rule: Rule;
  /** With none left: when the next attempt is looked at. Undefined: time alone does not help. */
  readonly retryAt: number | undefined;
  /** When the count of failures begins anew. Undefined: there is none, or time does not help. */
  readonly resetAt: number | undefined;
  /** How long the pause will be, in milliseconds; undefined: until somebody opens it. */
  readonly pause: number | undefined;
}

export function remainingOf(
  slots: readonly Slot[],
  found: ReadonlyMap<string, Counter>,
  at: number,
): Remaining {
  const all = slots.map((slot) => remainingUnder(slot, found.get(slot.key), at));
  return all.toSorted(soonestAndLongest)[0] as Remaining;
}

function remainingUnder({ policy }: Slot, counter: Counter | undefined, at: number): Remaining {
  // Of who has just failed.
  const standing = standingOf(counter, policy, at, true);
  // Seconds between two attempts are told when they have begun, and not before.
  const isOpenPace = policy.isPace && standing.kind === 'open';
  return {
    left: isOpenPace ? UNLIMITED : leftOf(counter, policy, at),
    rule: policy.rule,
    retryAt: standing.kind === 'closed' ? standing.until : undefined,
    resetAt: standing.kind === 'closed' ? standing.until : counter && restartOf(counter, policy),
    pause: closedFor(policy),
  };
}

function soonestAndLongest(a: Remaining, b: Remaining): number {
  const longer = (one: number | undefined, other: number | undefined) =>
    (other ?? Infinity) - (one ?? Infinity) || 0;
  if (a.left !== b.left) return a.left - b.left;
  return a.left === 0 ? longer(a.retryAt, b.retryAt) : longer(a.pause, b.pause);
}
