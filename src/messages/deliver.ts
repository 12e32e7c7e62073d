// Empties the outbox: each letter to the one who can deliver its kind, again and again until it is.
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Letter, Outbox } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';

/** Rejects when the letter did not arrive. */
export type Deliver = (payload: Readonly<Record<string, unknown>>) => Promise<void>;

export interface DeliveryNeeds {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly log: Log;
  readonly kinds: Readonly<Record<string, Deliver>>;
}

export interface Delivery {
  /** Delivers what is due now. @returns how many letters arrived */
  round(): Promise<number>;
  stop(): Promise<void>;
}

const EVERY = 1_000;
/** One try may take this long before somebody else may have another. */
const TRY = 30_000;
const LONGEST_PAUSE = 3_600_000;

export function startDelivery(needs: DeliveryNeeds): Delivery {
  let running: Promise<number> | undefined;
  const round = () => {
    running ??= deliverDue(needs).finally(() => {
      running = undefined;
    });
    return running;
  };
  const report = (error: unknown) => needs.log.warn({ err: error }, 'the outbox could not be read');
  const timer = setInterval(() => round().catch(report), EVERY);
  timer.unref();
  return {
    round,
    stop: async () => {
      clearInterval(timer);
      await running?.catch(report);
    },
  };
}

async function deliverDue(needs: DeliveryNeeds): Promise<number> {
  const letters = await needs.outbox.due(now());
  const arrived = await Promise.all(letters.map((letter) => deliverOne(letter, needs)));
  return arrived.filter(Boolean).length;
}

async function deliverOne(letter: Letter, needs: DeliveryNeeds): Promise<boolean> {
  const { store, outbox, log, kinds } = needs;
  const claimed = await store.commit([outbox.claim(letter, now() + TRY + pauseAfter(letter))]);
  if (claimed.kind === 'missed') return false;
  try {
    const deliver = kinds[letter.kind];
    if (!deliver) throw new Error(`nobody delivers letters of the kind "${letter.kind}"`);
    await deliver(letter.payload);
    await store.write(outbox.done(letter.id, now()));
    return true;
  } catch (error) {
    log.warn({ err: error, kind: letter.kind, attempt: letter.attempts + 1 }, 'not delivered');
    await store.write(outbox.failed(letter.id, String((error as Error).message).slice(0, 500)));
    return false;
  }
}

function pauseAfter({ attempts }: Letter): number {
  return Math.min(LONGEST_PAUSE, 5_000 * 2 ** attempts) - 5_000;
}
