// Whose turn it is to use a connection: some are never lent to those who may wait.
import { GatehouseError } from '../lib/errors.ts';

export interface Places {
  /** Resolves with what gives the place back. Throws `busy` where too many wait, or for too long. */
  take(mayWait: boolean): Promise<() => void>;
  /** Whoever waits is turned away. */
  clear(error: Error): void;
}

export interface PlacesOptions {
  /** How many connections there are. */
  readonly max: number;
  /** Milliseconds. */
  readonly patience: number;
}

interface Waiter {
  readonly mayWait: boolean;
  start(): void;
  rejectNetwork(error: Error): void;
}

/** So many may wait for each connection: with usual statements a fraction of a second. */
const WAITING = 100;
/** After so many others in a row, one of those who may wait is let in. */
const IN_A_ROW = 4;

export function createPlaces({ max, patience }: PlacesOptions): Places {
  const most = { hasty: max, patient: Math.max(1, max - Math.ceil(max / 2)) };
  const waiting = { hasty: new Set<Waiter>(), patient: new Set<Waiter>() };
  let taken = 0;
  let patient = 0;
  let inARow = 0;

  const isFree = (mayWait: boolean) => taken < most.hasty && !(mayWait && patient >= most.patient);

  const occupy = (mayWait: boolean) => {
    taken += 1;
    if (mayWait) patient += 1;
    inARow = mayWait ? 0 : inARow + 1;
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      taken -= 1;
      if (mayWait) patient -= 1;
      next()?.start();
    };
  };

  const next = (): Waiter | undefined => {
    const [hasty] = waiting.hasty;
    const [other] = isFree(true) ? waiting.patient : [];
    return other && (!hasty || inARow >= IN_A_ROW) ? other : hasty;
  };

  const wait = (mayWait: boolean) =>
    new Promise<() => void>((resolve, reject) => {
      const queue = mayWait ? waiting.patient : waiting.hasty;
      if (queue.size >= WAITING * max) return reject(busy());
      const end = () => {
        clearTimeout(timer);
        queue.delete(waiter);
      };
      const waiter = {
        mayWait,
        start: () => {
          end();
          resolve(occupy(mayWait));
        },
        rejectNetwork: (error: Error) => {
          end();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.rejectNetwork(busy()), patience);
      timer.unref();
      queue.add(waiter);
    });

  return {
    take: (mayWait) => (isFree(mayWait) ? Promise.resolve(occupy(mayWait)) : wait(mayWait)),
    clear: (error) => {
      for (const each of [...waiting.hasty, ...waiting.patient]) each.rejectNetwork(error);
    },
  };
}

function busy(): GatehouseError {
  return new GatehouseError('busy', { retryAfter: 1 });
}
