// After a time-out nobody waits for a database that does not answer: one probe a second asks whether it does.
import { elapsed } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { isTimeout, unavailable } from './postgres-faults.ts';

export interface Breaker {
  /** Throws at once while it is open, and as soon as it opens for whoever waits for a connection. */
  wait<T extends Lendable>(lend: () => Promise<T>): Promise<T>;
  /** To be said by whoever fails later. */
  round(): number;
  /** A time-out opens it, unless what failed began before it was open the last time. */
  failed(error: unknown, round: number): void;
  end(): void;
}

interface Lendable {
  release(broken: Error | undefined): void;
}

export interface BreakerNeeds {
  /** Rejects while the database does not answer. */
  readonly probe: () => Promise<void>;
  /** Connections that are idle may be as dead as the one that timed out. */
  readonly opened: () => void;
  readonly log: Log;
}

const ONCE_IN = 1_000;

export function createBreaker({ probe, opened, log }: BreakerNeeds): Breaker {
  const waiting = new Set<(error: Error) => void>();
  let open: { refused: number; readonly since: number } | undefined;
  let round = 0;
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;

  const refusal = () => {
    if (open) open.refused += 1;
    return unavailable(new Error("PostgreSQL isn't responding; probing it every second"));
  };

  const ask = async (): Promise<void> => {
    try {
      await probe();
    } catch {
      if (!isEnded) timer = setTimeout(() => void ask(), ONCE_IN).unref();
      return;
    }
    const seconds = Math.round((elapsed() - (open?.since ?? 0)) / 1000);
    log.info({ refused: open?.refused, seconds }, 'PostgreSQL answers again');
    open = undefined;
  };

  return {
    round: () => round,
    wait: (lend) => {
      if (open) return Promise.reject(refusal());
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        const isWaited = () => waiting.delete(reject);
        lend().then(
          (lent) => (isWaited() ? resolve(lent) : lent.release(undefined)),
          (error) => isWaited() && reject(error),
        );
      });
    },
    failed: (error, from) => {
      if (open || isEnded || from !== round || !isTimeout(error)) return;
      open = { refused: 0, since: elapsed() };
      round += 1;
      log.error({ err: error }, "PostgreSQL isn't responding: requests are refused until it does");
      opened();
      for (const giveUp of waiting) giveUp(refusal());
      waiting.clear();
      void ask();
    },
    end: () => {
      isEnded = true;
      clearTimeout(timer);
    },
  };
}
