// argon2id behind a queue: never more hashes at once than cores, and a turn for everybody.
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import type { Config } from '../../config/schema.ts';
import { rangeOf } from '../../lib/addresses.ts';
import { nfkc } from '../../lib/normal-form.ts';
import { currentRequest } from '../../lib/request-context.ts';
import { argon2Costs } from './formats/argon2.ts';
import { type Match, matchHash } from './hash-formats.ts';
import { createQueue, type Turn } from './hash-queue.ts';

export interface Hashing {
  /** PHC string of argon2id. Throws `busy` (with retryAfter) when too many are waiting. */
  hash(password: string): Promise<string>;
  /** `wrong` for a hash that cannot be read, too. Throws `busy`. */
  verify(hash: string, password: string): Promise<Verified>;
}

/** `outdated`: right, and to be hashed anew while the password is at hand. */
export type Verified = 'wrong' | 'right' | 'outdated';

export function createHashing({ hashing, limits, workers }: Config): Hashing {
  const cores = Math.max(1, Math.floor(availableParallelism() / workers));
  const { queue: inAll, queue_per_range: perRange } = hashing;
  const queue = createQueue({ atOnce: hashing.at_once || cores, inAll, perRange });
  const turn = (): Turn => {
    const { address, isKnown = false } = currentRequest();
    return { range: address === undefined ? '' : rangeOf(address, limits.range), isKnown };
  };
  const costs = {
    type: argon2.argon2id as 2,
    memoryCost: hashing.memory,
    timeCost: hashing.passes,
    parallelism: hashing.parallelism,
  };
  return {
    // In the form NFKC (NIST SP 800-63B-4, 3.1.1.2), never cut.
    hash: (password) => queue(() => argon2.hash(nfkc(password), costs), turn()),
    verify: async (hash, password) => {
      const match = await queue(() => matchHash(hash, password), turn());
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
