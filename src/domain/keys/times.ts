// What a signing key is used for at a time: told by when it and its successors begin to sign.
import type { KeyTimes } from '../../store/signing-keys.ts';

/** `verifying`: another signs by now, and what this one has signed may still be valid. */
export type KeyState = 'waiting' | 'signing' | 'verifying' | 'retired';

export interface TimedKey extends KeyTimes {
  readonly state: KeyState;
  /** Undefined while it has no successor. Milliseconds, as all times here. */
  readonly signsUntil: number | undefined;
  /** When nothing that it has signed is valid any more. */
  readonly retiresAt: number | undefined;
}

/** Processes look for changes now and then, finish what they answer, and clocks differ a little. */
const LATE = 120_000;

/** @param longest milliseconds that the longest token lives */
export function timedKeys(
  keys: readonly KeyTimes[],
  longest: number,
  at: number,
): readonly TimedKey[] {
  return keys.map((key) => {
    const others = keys.filter(({ alg }) => alg === key.alg);
    return timed(key, { others, longest, at });
  });
}

interface Around {
  readonly others: readonly KeyTimes[];
  readonly longest: number;
  readonly at: number;
}

function timed(key: KeyTimes, { others, longest, at }: Around): TimedKey {
  const later = others.filter(({ sequence }) => sequence > key.sequence);
  const signsUntil = later.length === 0 ? undefined : least(later.map((each) => each.signsFrom));
  const stays = Math.max(longest, ...later.map(({ overlap }) => overlap)) + LATE;
  const retiresAt = signsUntil === undefined ? undefined : signsUntil + stays;
  // With nobody before it, it need not wait: something must sign, also where a clock is slow.
  const living = others.filter(({ retiredAt }) => retiredAt === undefined);
  const isFirst = living.every(({ sequence }) => sequence >= key.sequence);
  const signsFrom = isFirst ? Number.NEGATIVE_INFINITY : key.signsFrom;
  const state = stateOf({ ...key, signsFrom, signsUntil }, at);
  return { ...key, state, signsUntil, retiresAt };
}

type Span = Pick<TimedKey, 'signsFrom' | 'signsUntil' | 'retiredAt'>;

function stateOf({ signsFrom, signsUntil, retiredAt }: Span, at: number): KeyState {
  if (retiredAt !== undefined) return 'retired';
  if (signsUntil !== undefined && signsUntil <= at) return 'verifying';
  return signsFrom <= at ? 'signing' : 'waiting';
}

const least = (times: readonly number[]) => Math.min(...times);

export function isDue({ state, retiresAt }: TimedKey, at: number): boolean {
  return state === 'verifying' && retiresAt !== undefined && retiresAt <= at;
}

const FIRST_TO_LAST: Readonly<Record<KeyState, number>> = {
  signing: 0,
  waiting: 1,
  verifying: 2,
  retired: 3,
};

/** In each algorithm the one that signs comes first: the library takes the first that fits. */
export function bySigning(a: TimedKey, b: TimedKey): number {
  return FIRST_TO_LAST[a.state] - FIRST_TO_LAST[b.state] || b.sequence - a.sequence;
}
