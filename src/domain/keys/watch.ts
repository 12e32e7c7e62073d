// Looks for changed keys, and puts what is made from them in the place of what stands.
import type { Log } from '../../lib/log.ts';
import { logFailure } from '../../lib/repeated-lines.ts';
import type { KeyRing, Keys } from './keys.ts';

export interface KeyWatch<T> {
  current(): T;
  /** Looks now; whatever has changed before the call is in place after it. */
  look(): Promise<void>;
  /** As `look`, for whoever cannot mend what is wrong: it is logged. */
  tryToLook(): Promise<void>;
  stop(): Promise<void>;
}

export interface KeyWatchNeeds<T> {
  readonly keys: Pick<Keys, 'load' | 'settle'>;
  readonly log: Log;
  build(ring: KeyRing): Promise<T>;
}

/** Milliseconds: 5 s may pass until every process has seen a change. */
const EVERY = 4_000;

const UNREAD = 'the signing keys stay as they are: changes could not be read';

export async function watchKeys<T>(needs: KeyWatchNeeds<T>): Promise<KeyWatch<T>> {
  const { keys, build } = needs;
  let ring = await keys.load();
  let standing = await build(ring);

  const renew = async (): Promise<void> => {
    if ((await keys.settle()) === ring.plan) return;
    const next = await keys.load();
    // Whoever has begun with what stood before ends with it.
    standing = await build(next);
    ring = next;
    needs.log.info({ kids: next.plan }, 'the signing keys have changed');
  };
  const { look, isLooking, idle } = oneAfterTheOther(renew);
  const tryToLook = () => look().catch((error: unknown) => logFailure(needs.log, error, UNREAD));
  const timer = setInterval(() => isLooking() || void tryToLook(), EVERY);
  timer.unref();
  return {
    current: () => standing,
    look,
    tryToLook,
    stop: async () => {
      clearInterval(timer);
      await idle();
    },
  };
}

function oneAfterTheOther(renew: () => Promise<void>) {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  const look = () => {
    waiting += 1;
    const mine = last.then(renew).finally(() => {
      waiting -= 1;
    });
    last = mine.catch(() => undefined);
    return mine;
  };
  return { look, isLooking: () => waiting > 0, idle: () => last };
}
