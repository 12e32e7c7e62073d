// One attempt: reserved before the secret is looked at, and settled afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import { elapsed, now } from '../../lib/clock.ts';
import { GatehouseError } from '../../lib/errors.ts';
import type { Counter, Counters } from '../../store/limits.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Outcome } from '../../store/store.ts';
import {
  carryOf,
  countOf,
  hasRestarted,
  NEVER,
  OVERDUE_AFTER,
  type Slot,
  standingOf,
  withoutPending,
} from './counting.ts';
import type { Rule } from './policies.ts';
import { type Remaining, remainingOf } from './remaining.ts';

/** Counters of an attempt, in the order in which all attempts lock them. */
export interface Plan {
  readonly slots: readonly Slot[];
  /** Whether success forgets the failures before it, too. */
  readonly clearsOnSuccess: boolean;
}

export interface Reservation {
  readonly kind: 'reserved';
  /**
   * It stays counted.
   * @param also joins the unit that counts the failure
   */
  failed(also?: Unit): Promise<Remaining>;
  /** Must hit: of those that failed at once, nobody has told yet that a limit is closed. */
  claim(closed: Remaining): Statement;
  passed(): Promise<void>;
  /** Nothing was looked at. */
  returned(): Promise<void>;
  /** It took so long that others may have been let in for it: nobody may learn its result. */
  isOverdue(): boolean;
}

export interface Limited {
  readonly kind: 'limited';
  readonly rule: Rule;
  /** Milliseconds; undefined: time alone does not help. */
  readonly retryAt: number | undefined;
}

export type Found = ReadonlyMap<string, Counter>;

export interface AttemptNeeds {
  readonly counters: Counters;
  readonly commit: (unit: readonly Statement[]) => Promise<Outcome>;
}

// Right attempts side by side may be more than the limit: each waits until one before it is done,
// and asks less and less often, since there may be hundreds of them.
const PAUSE = 25;
const LONGEST_PAUSE = 250;
const LONGEST_WAIT = 5_000;
const TRIES = 200;

/** Throws `busy` where others are faster for five seconds. */
export async function reserve(plan: Plan, needs: AttemptNeeds): Promise<Reservation | Limited> {
  const { slots } = plan;
  const keys = slots.map((slot) => slot.key);
  for (let tries = 1, waited = 0, pause = PAUSE; tries <= TRIES; tries += 1) {
    const at = now();
    const found = await needs.counters.find(keys);
    const limited = judge(slots, found, at);
    if (!limited && (await isReserved(plan, found, at, needs))) return reservation(plan, at, needs);
    if (!limited) continue;
    if (waited >= LONGEST_WAIT || isSettled(slots, found, at)) return limited;
    await sleep(pause);
    waited += pause;
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
  throw new GatehouseError('busy', { retryAfter: 5 });
}

/** One look at a secret: a failure where there is none, given back where the look itself fails. */
export async function settled<T>(
  reservation: Reservation,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const { failed, passed, returned } = reservation;
  const found = await look().catch(async (error: unknown) => {
    await returned();
    throw error;
  });
  assertInTime(reservation);
  await (found === undefined ? failed() : passed());
  return found;
}

/** Throws `busy`. What is overdue is left in flight, as if its process had been killed. */
export function assertInTime({ isOverdue }: Pick<Reservation, 'isOverdue'>): void {
  if (isOverdue()) throw new GatehouseError('busy', { retryAfter: 5 });
}

function judge(slots: readonly Slot[], found: Found, at: number): Limited | undefined {
  const closed = slots.flatMap(({ key, policy }) => {
    const standing = standingOf(found.get(key), policy, at, isReturning(key, slots, found, at));
    return standing.kind === 'closed' ? [{ rule: policy.rule, until: standing.until }] : [];
  });
  const longest = closed.toSorted((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity))[0];
  return longest && { kind: 'limited', rule: longest.rule, retryAt: longest.until };
}

/** Whether the name that is tried has failed under this counter before. */
function isReturning(key: string, slots: readonly Slot[], found: Found, at: number): boolean {
  const share = slots.find(({ shareOf }) => shareOf === key);
  const counter = share && found.get(share.key);
  if (!counter || hasRestarted(counter, share.policy, at)) return false;
  return counter.failures > counter.pending;
}

/** Nothing that is in flight could open the way. */
function isSettled(slots: readonly Slot[], found: Found, at: number): boolean {
  const best = slots.flatMap(({ key, policy }) => {
    const counter = found.get(key);
    return counter ? [[key, withoutPending(counter, policy, at)] as const] : [];
  });
  return judge(slots, new Map(best), at) !== undefined;
}

async function isReserved(
  { slots }: Plan,
  found: Found,
  at: number,
  { counters, commit }: AttemptNeeds,
): Promise<boolean> {
  const unit = slots.flatMap((slot) => {
    const carry = carryOf(slot, found.get(slot.key), at);
    const count = countOf(slot, at, isReturning(slot.key, slots, found, at));
    return [...(carry ? [counters.carryOver(carry)] : []), counters.reserve(count)];
  });
  return (await commit(unit)).kind === 'committed';
}

function reservation(plan: Plan, at: number, needs: AttemptNeeds): Reservation {
  const { counters, commit } = needs;
  const began = elapsed();
  const keys = plan.slots.map((slot) => slot.key);
  // A share closes nothing.
  const judged = plan.slots.filter(({ shareOf }) => shareOf === undefined);
  const returned = async () => {
    await commit(keys.map((key) => counters.giveBack(key, at)));
  };
  const clear = async () => {
    await commit(keys.map((key) => counters.delete(key)));
  };
  return {
    kind: 'reserved',
    isOverdue: () => elapsed() - began > OVERDUE_AFTER,
    returned,
    passed: plan.clearsOnSuccess ? clear : returned,
    claim: ({ rule, retryAt = NEVER }) => {
      const closed = plan.slots.find(({ policy }) => policy.rule === rule);
      return counters.claim(closed?.key ?? '', retryAt);
    },
    failed: async (also = []) => {
      await commit([...keys.map((key) => counters.fail(key, at)), ...also]);
      return remainingOf(judged, await counters.find(judged.map(({ key }) => key)), now());
    },
  };
}
