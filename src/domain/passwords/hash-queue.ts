// Who hashes next: address ranges in turn, known browsers first, and a bound for each and for all.
import { GatehouseError } from '../../lib/errors.ts';

/** Whose work it is. */
export interface Turn {
  /** Of network addresses; empty for what no request has asked for. */
  readonly range: string;
  /** It comes from a browser that is known to the account. */
  readonly isKnown: boolean;
}

export interface QueueBounds {
  readonly atOnce: number;
  /** How many may wait. */
  readonly inAll: number;
  readonly perRange: number;
}

/** Throws `busy` (with retryAfter) for whoever has to give way. */
export type HashQueue = <T>(work: () => Promise<T>, turn: Turn) => Promise<T>;

interface Waiter {
  readonly isKnown: boolean;
  start(): void;
  giveWay(): void;
}

const RETRY_AFTER = 5;
/** After so many known browsers in a row one of the others is let in. */
const KNOWN_IN_A_ROW = 8;

/** libuv's pool also signs tokens and reads files: what waits, waits outside of it. */
export function createQueue({ atOnce, inAll, perRange }: QueueBounds): HashQueue {
  const waiting = createWaitingRoom();
  let running = 0;

  // Who waits takes over the place of who is done: nobody can slip in between.
  const leave = () => {
    const next = waiting.next();
    if (next) next.start();
    else running -= 1;
  };

  const wait = ({ range, isKnown }: Turn) =>
    new Promise<void>((start, reject) => {
      const giveWay = () => reject(new GatehouseError('busy', { retryAfter: RETRY_AFTER }));
      waiting.add(range, { isKnown, start, giveWay });
      if (waiting.sizeOf(range) > perRange) waiting.drop(range);
      else if (waiting.size() > inAll) waiting.drop(waiting.longest());
    });

  return async (work, turn) => {
    if (running >= atOnce) await wait(turn);
    else running += 1;
    try {
      return await work();
    } finally {
      leave();
    }
  };
}

/** By range, in the order in which their turn comes. */
type Lane = Map<string, Waiter[]>;

function createWaitingRoom() {
  const known: Lane = new Map();
  const others: Lane = new Map();
  let size = 0;
  let knownInARow = 0;

  const take = (lane: Lane, range: string, from: 'shift' | 'pop'): Waiter | undefined => {
    const all = lane.get(range);
    const taken = all?.[from]();
    if (all?.length === 0) lane.delete(range);
    if (taken) size -= 1;
    return taken;
  };

  /** Its range is the last one to have another turn. */
  const takeTurn = (lane: Lane): Waiter | undefined => {
    const [range] = lane.keys();
    if (range === undefined) return undefined;
    const all = lane.get(range) as Waiter[];
    const taken = take(lane, range, 'shift');
    if (lane.delete(range)) lane.set(range, all);
    return taken;
  };

  const sizeOf = (range: string) =>
    (known.get(range)?.length ?? 0) + (others.get(range)?.length ?? 0);

  return {
    size: () => size,
    sizeOf,
    add: (range: string, waiter: Waiter) => {
      const lane = waiter.isKnown ? known : others;
      const all = lane.get(range);
      if (all) all.push(waiter);
      else lane.set(range, [waiter]);
      size += 1;
    },
    next: () => {
      const isTurnOfOthers = knownInARow >= KNOWN_IN_A_ROW && others.size > 0;
      const first = isTurnOfOthers ? undefined : takeTurn(known);
      knownInARow = first ? knownInARow + 1 : 0;
      return first ?? takeTurn(others);
    },
    /** Of two that are as long, one that is not of known browsers alone; then the newer. */
    longest: () => {
      const ranges = [...known.keys(), ...others.keys()];
      return ranges.reduce((a, b) => (sizeOf(b) >= sizeOf(a) ? b : a));
    },
    /** The newest of a range gives way; known browsers last. */
    drop: (range: string) => {
      (take(others, range, 'pop') ?? take(known, range, 'pop'))?.giveWay();
    },
  };
}
