// How long the stored passwords take: one that outlasts the floor of a refusal shows itself by it.
import { elapsed } from '../../lib/clock.ts';
import type { Cost, HashFormat } from './formats/format.ts';
import { formatOf, matchHash } from './hash-formats.ts';

export interface HashCost {
  /** `bcrypt 12` */
  readonly kind: string;
  /** Milliseconds of one refusal. */
  readonly takes: number;
}

/** In as many spellings as are tried: a guess can be such that all of them differ. */
const WRONG = 'nöt the pässword';
/** Bytes that its letters have beyond one for each. */
const MORE = 4;

/** As costly as one can be. */
const guessFor = ({ longest = 0 }: HashFormat) => WRONG.padEnd(longest - MORE, 'x');

interface Example {
  readonly format: HashFormat;
  readonly hash: string;
  readonly cost: Cost;
}

/** Tries the costliest of each form: a file can hold one of every cost. */
export async function measureHashes(
  hashes: AsyncIterable<string | undefined>,
): Promise<HashCost[]> {
  const examples = new Map<string, Example>();
  for await (const hash of hashes) {
    const format = hash === undefined ? undefined : formatOf(hash);
    if (!hash || !format) continue;
    const cost = format.cost(hash);
    const most = examples.get(format.name)?.cost.milliseconds ?? -1;
    if (cost.milliseconds > most) examples.set(format.name, { format, hash, cost });
  }
  const costs: HashCost[] = [];
  for (const example of examples.values()) {
    const kind = `${example.format.name} ${example.cost.words}`;
    costs.push({ kind, takes: await timeOf(example) });
  }
  return costs;
}

async function timeOf({ format, hash }: Example): Promise<number> {
  const begin = elapsed();
  await matchHash(hash, guessFor(format));
  return Math.round(elapsed() - begin);
}
