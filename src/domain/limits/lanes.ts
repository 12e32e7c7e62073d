// Who counts an attempt next: one at a time for each counter, in the order in which they came.
import { elapsed } from '../../lib/clock.ts';
import { GatehouseError } from '../../lib/errors.ts';

/** Of one who waits. `Seen`: what others have read meanwhile. */
export interface Visit<T, Seen> {
  /** In the time of {@link elapsed}: whose turn has not come by then is refused. */
  readonly until: number;
  /** Undefined where it has to look for itself. */
  readonly answer: (seen: Seen) => T | undefined;
}

export interface Lanes<Seen> {
  /**
   * Works when its turn in the lane has come, or takes its answer from what somebody before it has
   * seen. Throws `busy` where its turn does not come in time: at once, where that can be told.
   */
  inTurn<T>(key: string, visit: Visit<T, Seen>, work: () => Promise<T>): Promise<T>;
  /** For those who wait in the lane. */
  share(key: string, seen: Seen): void;
  /** Until an attempt under the key is settled in this process, or that long. For whose turn it is. */
  nextSettled(key: string, milliseconds: number): Promise<void>;
  /** An attempt under these keys is settled. */
  settle(keys: readonly string[]): void;
}

interface Waiter<Seen> {
  start(): void;
  hear(seen: Seen): void;
}

interface Lane<Seen> {
  readonly waiting: Set<Waiter<Seen>>;
  /** Milliseconds from one turn to the next, as they were of late. */
  pace: number;
  turnedAt: number;
  /** Wakes the one whose turn it is. */
  wake: (() => void) | undefined;
  /** Something was settled while nobody listened. */
  isNews: boolean;
}

const RETRY_AFTER = 5;
/** Of a lane that nothing is known of: about what it takes to look at a password. */
const USUAL_PACE = 20;

/** @param time for tests */
export function createLanes<Seen>(time = elapsed): Lanes<Seen> {
  const lanes = new Map<string, Lane<Seen>>();

  const leave = (key: string, lane: Lane<Seen>) => {
    const [next] = lane.waiting;
    if (!next) {
      lanes.delete(key);
      return;
    }
    lane.pace = (4 * lane.pace + time() - lane.turnedAt) / 5;
    lane.turnedAt = time();
    next.start();
  };

  const enter = (key: string): Lane<Seen> => {
    const news = { pace: USUAL_PACE, turnedAt: time(), wake: undefined, isNews: false };
    const lane = { waiting: new Set<Waiter<Seen>>(), ...news };
    lanes.set(key, lane);
    return lane;
  };

  /** @returns undefined when its turn has come */
  const wait = <T>(lane: Lane<Seen>, { until, answer }: Visit<T, Seen>): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const left = until - time();
      if (lane.waiting.size * lane.pace > left) return reject(busy());
      const end = () => {
        clearTimeout(timer);
        lane.waiting.delete(waiter);
      };
      const waiter = {
        start: () => {
          end();
          resolve(undefined);
        },
        hear: (seen: Seen) => {
          const found = answer(seen);
          if (found === undefined) return;
          end();
          resolve(found);
        },
      };
      const timer = setTimeout(() => {
        end();
        reject(busy());
      }, left);
      timer.unref();
      lane.waiting.add(waiter);
    });

  return {
    inTurn: async (key, visit, work) => {
      const taken = lanes.get(key);
      const told = taken && (await wait(taken, visit));
      if (told !== undefined) return told;
      const lane = taken ?? enter(key);
      try {
        return await work();
      } finally {
        leave(key, lane);
      }
    },
    share: (key, seen) => {
      for (const waiter of lanes.get(key)?.waiting ?? []) waiter.hear(seen);
    },
    nextSettled: (key, milliseconds) => {
      const lane = lanes.get(key);
      if (!lane || lane.isNews) {
        if (lane) lane.isNews = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          lane.wake = undefined;
          resolve();
        };
        const timer = setTimeout(wake, milliseconds);
        lane.wake = wake;
      });
    },
    settle: (keys) => {
      for (const lane of keys.map((key) => lanes.get(key))) {
        if (lane?.wake) lane.wake();
        else if (lane) lane.isNews = true;
      }
    },
  };
}

export function busy(): GatehouseError {
  return new GatehouseError('busy', { retryAfter: RETRY_AFTER });
}
