// One attempt: reserved before the secret is looked at, and settled afterwards.
import { elapsed, now } from '../../lib/clock.ts';
import type { Counter, CounterTable } from '../../store/limits.ts';
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
import { busy, type Lanes } from './lanes.ts';
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
  consume(also?: Unit): Promise<Remaining>;
  /** Must hit: of those that failed at once, nobody has told yet that a limit is closed. */
  claim(closed: Remaining): Statement;
  succeed(): Promise<void>;
  /** Nothing was looked at. */
  release(): Promise<void>;
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

/** What an attempt has read: all of these counters, some of which may not be there. */
export interface Seen {
  readonly keys: ReadonlySet<string>;
  readonly found: Found;
  readonly at: number;
}

export interface AttemptNeeds {
  readonly counterTable: CounterTable;
  readonly commit: (unit: readonly Statement[]) => Promise<Outcome>;
  readonly lanes: Lanes<Seen>;
}

/** Attempts in flight fill the counter: it may open as soon as one of them is settled. */
interface Full {
  readonly kind: 'full';
  readonly key: string;
}

// Right attempts side by side may be more than the limit: each waits until one before it is done. What
// is settled in this process is heard of at once; for the others one of all who wait asks now and then.
const PAUSE = 25;
const LONGEST_PAUSE = 250;
const LONGEST_WAIT = 5_000;
const TRIES = 200;

/**
 * Throws `busy` where its turn does not come within five seconds: at once, where that can be told.
 * Nobody holds a connection while waiting.
 */
export function reserve(plan: Plan, needs: AttemptNeeds): Promise<Reservation | Limited> {
  const { lanes } = needs;
  const own = plan.slots[0]?.key ?? '';
  const visit = {
    until: elapsed() + LONGEST_WAIT,
    answer: (seen: Seen) => answerFrom(plan.slots, seen),
  };
  const lookIn = async (lane: string) => {
    for (let pause = PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const next = await look(plan, lane, needs);
      if (next.kind !== 'full') return next;
      if (elapsed() >= visit.until) throw busy();
      if (next.key !== lane) return next;
      await lanes.nextSettled(lane, pause);
    }
  };
  return lanes.inTurn(own, visit, async () => {
    let next = await lookIn(own);
    while (next.kind === 'full') {
      const { key } = next;
      next = key === own ? await lookIn(own) : await lanes.inTurn(key, visit, () => lookIn(key));
    }
    return next;
  });
}

async function look(
  plan: Plan,
  lane: string,
  needs: AttemptNeeds,
): Promise<Reservation | Limited | Full> {
  const { slots } = plan;
  const keys = slots.map(({ key }) => key);
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const [at, began] = [now(), elapsed()];
    const found = await needs.counterTable.find(keys);
    const closed = findClosed(slots, found, at);
    if (closed) {
      if (!isSettled(slots, found, at)) return { kind: 'full', key: closed.key };
      needs.lanes.share(lane, { keys: new Set(keys), found, at });
      return limitedBy(closed);
    }
    if (await isReserved(plan, found, at, needs)) return reservation(plan, { at, began }, needs);
  }
  throw busy();
}

/** Whoever has the same counters need not ask for them again where nothing in flight opens them. */
function answerFrom(slots: readonly Slot[], { keys, found, at }: Seen): Limited | undefined {
  if (!slots.every(({ key }) => keys.has(key)) || !isSettled(slots, found, at)) return undefined;
  const closed = findClosed(slots, found, at);
  return closed && limitedBy(closed);
}

/** One look at a secret: a failure where there is none, given back where the look itself fails. */
export async function settle<T>(
  reservation: Reservation,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const { consume, succeed, release } = reservation;
  const found = await look().catch(async (error: unknown) => {
    await release();
    throw error;
  });
  assertInTime(reservation);
  await (found === undefined ? consume() : succeed());
  return found;
}

/** Throws `busy`. What is overdue is left in flight, as if its process had been killed. */
export function assertInTime({ isOverdue }: Pick<Reservation, 'isOverdue'>): void {
  if (isOverdue()) throw busy();
}

interface Closed {
  readonly key: string;
  readonly rule: Rule;
  readonly until: number | undefined;
}

/** The counter that is closed for longest. */
function findClosed(slots: readonly Slot[], found: Found, at: number): Closed | undefined {
  const closed = slots.flatMap(({ key, policy }) => {
    const standing = standingOf(found.get(key), policy, at, isReturning(key, slots, found, at));
    const { rule } = policy;
    return standing.kind === 'closed' ? [{ key, rule, until: standing.until }] : [];
  });
  return closed.toSorted((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity))[0];
}

function limitedBy({ rule, until }: Closed): Limited {
  return { kind: 'limited', rule, retryAt: until };
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
  return findClosed(slots, new Map(best), at) !== undefined;
}

async function isReserved(
  { slots }: Plan,
  found: Found,
  at: number,
  { counterTable, commit }: AttemptNeeds,
): Promise<boolean> {
  const unit = slots.flatMap((slot) => {
    const carry = carryOf(slot, found.get(slot.key), at);
    const count = countOf(slot, at, isReturning(slot.key, slots, found, at));
    return [...(carry ? [counterTable.carryOver(carry)] : []), counterTable.reserve(count)];
  });
  return (await commit(unit)).kind === 'committed';
}

/** @param began when `at` was, in the time of {@link elapsed}: the database may have taken its time */
function reservation(
  plan: Plan,
  { at, began }: { readonly at: number; readonly began: number },
  needs: AttemptNeeds,
): Reservation {
  const { counterTable, lanes } = needs;
  const keys = plan.slots.map((slot) => slot.key);
  const commit = async (unit: Unit) => {
    await needs.commit(unit);
    lanes.settle(keys);
  };
  // A share closes nothing.
  const judged = plan.slots.filter(({ shareOf }) => shareOf === undefined);
  const isOverdue = () => elapsed() - began > OVERDUE_AFTER;
  const release = async () => {
    // It may have been given back already: a second time would be somebody else's failure.
    if (!isOverdue()) await commit(keys.map((key) => counterTable.giveBack(key, at)));
  };
  const clear = async () => {
    await commit(keys.map((key) => counterTable.delete(key)));
  };
  return {
    kind: 'reserved',
    isOverdue,
    release,
    succeed: plan.clearsOnSuccess ? clear : release,
    claim: ({ rule, retryAt = NEVER }) => {
      const closed = plan.slots.find(({ policy }) => policy.rule === rule);
      return counterTable.claim(closed?.key ?? '', retryAt);
    },
    consume: async (also = []) => {
      await commit([...keys.map((key) => counterTable.fail(key, at)), ...also]);
      return remainingOf(judged, await counterTable.find(judged.map(({ key }) => key)), now());
    },
  };
}
