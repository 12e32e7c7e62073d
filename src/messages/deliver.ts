// Empties the outbox: each letter to the one who can deliver its kind, again and again until it is.
import { describeCause } from '../lib/causes.ts';
import { now } from '../lib/clock.ts';
import { isGatehouseError } from '../lib/errors.ts';
import { isFinal } from '../lib/final.ts';
import type { Log } from '../lib/log.ts';
import { logFailure, repeatedLines } from '../lib/repeated-lines.ts';
import type { OutboxMessage, OutboxTable } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';

/** Rejects when the letter did not arrive; with a final error where no other try would help. */
export type Deliver = (message: OutboxMessage) => Promise<void>;

export interface DeliveryNeeds {
  readonly store: Store;
  readonly outboxTable: OutboxTable;
  readonly log: Log;
  readonly kinds: Readonly<Record<string, Deliver>>;
}

export interface Delivery {
  /** Sends what is due now and waits for it. @returns how many of these letters arrived */
  round(): Promise<number>;
  stop(): Promise<void>;
}

const EVERY = 1_000;
const AT_ONCE = 50;
const AT_ONCE_FOR_ONE = 4;
/** One try may take this long before somebody else may have another. */
const TRY = 30_000;
const LONGEST_PAUSE = 3_600_000;
/** Letters of an error that are kept. */
const LONGEST_NOTE = 500;

export function startDelivery(needs: DeliveryNeeds): Delivery {
  const post = createPost(needs);
  const report = (error: unknown) => logFailure(needs.log, error, 'the outbox could not be read');
  const timer = setInterval(() => post.sendDue().catch(report), EVERY);
  timer.unref();
  return {
    round: async () => {
      const arrived = await Promise.all(await post.sendDue());
      // The clock may have started some a moment before.
      await post.idle();
      return arrived.filter(Boolean).length;
    },
    stop: async () => {
      clearInterval(timer);
      await post.idle();
    },
  };
}

function createPost(needs: DeliveryNeeds) {
  const underWay = new Map<
    string,
    { readonly recipient: string; readonly end: Promise<boolean> }
  >();
  const placesTaken = (recipient: string) =>
    [...underWay.values()].filter((each) => each.recipient === recipient).length;
  const isFull = (recipient: string) => placesTaken(recipient) >= AT_ONCE_FOR_ONE;

  const send = (message: OutboxMessage): Promise<boolean> => {
    const end = deliverOne(message, needs).finally(() => underWay.delete(message.id));
    underWay.set(message.id, { recipient: message.recipient, end });
    return end;
  };

  const sendDue = async (): Promise<Promise<boolean>[]> => {
    const sent: Promise<boolean>[] = [];
    for (;;) {
      const before = sent.length;
      const full = [...underWay.values()].map(({ recipient }) => recipient).filter(isFull);
      for (const message of await needs.outboxTable.due(now(), [...new Set(full)])) {
        const hasPlace = underWay.size < AT_ONCE && !isFull(message.recipient);
        if (hasPlace && !underWay.has(message.id)) sent.push(send(message));
      }
      if (sent.length === before) return sent;
    }
  };

  const idle = async (): Promise<void> => {
    await Promise.all([...underWay.values()].map(({ end }) => end));
  };
  return { sendDue, idle };
}

async function deliverOne(message: OutboxMessage, needs: DeliveryNeeds): Promise<boolean> {
  const { store, outboxTable, log, kinds } = needs;
  try {
    const claim = outboxTable.claim(message, now() + TRY + pauseAfter(message));
    if (!(await store.tryCommit([claim]))) return false;
    const deliver = kinds[message.kind];
    if (!deliver) throw new Error(`nobody delivers letters of the kind "${message.kind}"`);
    await deliver(message);
    await store.write(outboxTable.done(message.id, now()));
    return true;
  } catch (error) {
    reportUndelivered(error, message, log);
    const words = describe(error).slice(0, LONGEST_NOTE);
    const note = isFinal(error)
      ? outboxTable.givenUp(message.id, words, now())
      : outboxTable.failed(message.id, words);
    await store.write(note).catch(() => undefined);
    return false;
  }
}

/** What was tried, and what stood in the way. */
function describe(error: unknown): string {
  const cause = describeCause(error);
  const message = error instanceof Error ? error.message : '';
  return cause.includes(message) ? cause : `${message}: ${cause}`;
}

/** Lines in ten seconds, for letters of one kind. */
const MOST_LINES = 20;

function reportUndelivered(error: unknown, { kind, attempts }: OutboxMessage, log: Log): void {
  if (isGatehouseError(error, 'store_unavailable')) {
    logFailure(log, error, error.message);
    return;
  }
  const words = isFinal(error) ? 'not delivered, and not tried again' : 'not delivered';
  const write = () => log.warn({ err: error, kind, attempt: attempts + 1 }, words);
  repeatedLines(log).event(`not delivered: ${kind}`, write, MOST_LINES);
}

function pauseAfter({ attempts }: OutboxMessage): number {
  return Math.min(LONGEST_PAUSE, 5_000 * 2 ** attempts) - 5_000;
}
