// How long the stored passwords take: one that outlasts the floor of a refusal shows itself by it.
import { elapsed } from '../../lib/clock.ts';
import { formatOf, matchHash } from './legacy.ts';

export interface HashCost {
  /** `bcrypt 12` */
  readonly kind: string;
  /** Milliseconds of one refusal. */
  readonly takes: number;
}

/** In as many spellings as are tried: a guess can be such that all of them differ. */
const WRONG = 'nöt the pässword';

/** Tries one of each kind and cost. */
export async function measureHashes(
  hashes: AsyncIterable<string | undefined>,
): Promise<HashCost[]> {
  const examples = new Map<string, string>();
  for await (const hash of hashes) {
    const format = hash === undefined ? undefined : formatOf(hash);
    if (hash && format) examples.set(`${format.name} ${format.cost(hash).words}`, hash);
  }
  const costs: HashCost[] = [];
  for (const [kind, hash] of examples) costs.push({ kind, takes: await timeOf(hash) });
  return costs;
}

async function timeOf(hash: string): Promise<number> {
  const begin = elapsed();
  await matchHash(hash, WRONG);
  return Math.round(elapsed() - begin);
}
