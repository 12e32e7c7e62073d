// argon2id behind a queue: never more hashes at once than cores, never more waiting than bearable.
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import type { Config } from '../config/schema.ts';
import { GatehouseError } from '../lib/errors.ts';

export interface Hashing {
  /** PHC string of argon2id. Throws `busy` (with retryAfter) when too many are waiting. */
  hash(password: string): Promise<string>;
  /** False for a hash that cannot be read, too. Throws `busy`. */
  verify(hash: string, password: string): Promise<boolean>;
}

const RETRY_AFTER = 5;

export function createHashing({ hashing, workers }: Config): Hashing {
  const cores = Math.max(1, Math.floor(availableParallelism() / workers));
  const queue = createQueue(hashing.at_once || cores, hashing.queue);
  const costs = {
    type: argon2.argon2id as 2,
    memoryCost: hashing.memory,
    timeCost: hashing.passes,
    parallelism: hashing.parallelism,
  };
  return {
    hash: (password) => queue(() => argon2.hash(normalize(password), costs)),
    verify: (hash, password) =>
      queue(() => argon2.verify(hash, normalize(password)).catch(() => false)),
  };
}

/** Passwords are compared in the form NFKC (NIST SP 800-63B-4, 3.1.1.2), never cut. */
function normalize(password: string): string {
  return password.normalize('NFKC');
}

/** libuv's pool also signs tokens and reads files: what waits, waits outside of it. */
export function createQueue(atOnce: number, waitingAtMost: number) {
  const waiting: Array<() => void> = [];
  let running = 0;

  // Who waits takes over the place of who is done: nobody can slip in between.
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };

  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (waiting.length >= waitingAtMost) {
        throw new GatehouseError('busy', { retryAfter: RETRY_AFTER });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
