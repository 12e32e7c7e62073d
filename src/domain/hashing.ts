// argon2id behind a queue: never more hashes at once than cores, never more waiting than bearable.
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import type { Config } from '../config/schema.ts';
import { GatehouseError } from '../lib/errors.ts';
import { nfkc } from '../lib/normal-form.ts';
import { argon2Costs } from './passwords/formats/argon2.ts';
import { type Match, matchHash } from './passwords/legacy.ts';

export interface Hashing {
  /** PHC string of argon2id. Throws `busy` (with retryAfter) when too many are waiting. */
  hash(password: string): Promise<string>;
  /** `wrong` for a hash that cannot be read, too. Throws `busy`. */
  verify(hash: string, password: string): Promise<Verified>;
}

/** `outdated`: right, and to be hashed anew while the password is at hand. */
export type Verified = 'wrong' | 'right' | 'outdated';

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
    // In the form NFKC (NIST SP 800-63B-4, 3.1.1.2), never cut.
    hash: (password) => queue(() => argon2.hash(nfkc(password), costs)),
    verify: async (hash, password) => {
      const match = await queue(() => matchHash(hash, password));
      if (!match) return 'wrong';
      return isOutdated(hash, match, hashing) ? 'outdated' : 'right';
    },
  };
}

function isOutdated(hash: string, match: Match, costs: Config['hashing']): boolean {
  // A hash that looked at a part of it cannot vouch for the rest: the next one would demand it.
  if (!match.whole) return false;
  const found = argon2Costs(hash);
  if (found?.kind !== 'argon2id' || found.version < 19 || !match.asHashedHere) return true;
  return found.memory < costs.memory || found.passes < costs.passes;
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
