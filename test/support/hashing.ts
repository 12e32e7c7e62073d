// Hashing with a memory: argon2 once for each password and hash, and the same answer ever after.
import type { Config } from '../../src/config/schema.ts';
import { createHashing, type Hashing } from '../../src/domain/passwords/hashing.ts';

const memories = new Map<string, Hashing>();

/** For tests about something else: hundreds of people share a password, and so a hash. */
export function rememberHashes(config: Config): Hashing {
  const costs = JSON.stringify([config.hashing, config.workers]);
  const hashing = memories.get(costs) ?? remember(createHashing(config));
  memories.set(costs, hashing);
  return hashing;
}

function remember(real: Hashing): Hashing {
  const hash = once(real.hash);
  const verify = once((key) => real.verify(...(JSON.parse(key) as [hash: string, typed: string])));
  return { hash, verify: (stored, password) => verify(JSON.stringify([stored, password])) };
}

/** What has failed, as where too many wait, is tried again. */
function once<T>(work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const found = known.get(key);
    if (found) return found;
    const made = work(key);
    known.set(key, made);
    made.catch(() => known.delete(key));
    return made;
  };
}
