// How soon a refusal may be told: never sooner than the slowest accepted hash would take.
import { setTimeout as sleep } from 'node:timers/promises';
import { elapsed } from '../../lib/clock.ts';
import type { Verdict } from '../factor.ts';

/** The time as it passes; a test has its own. */
export interface Stopwatch {
  elapsed(): number;
  sleep(milliseconds: number): Promise<unknown>;
}

const REAL: Stopwatch = { elapsed, sleep };

/** A right password is answered at once; anything else, a failure too, `floor` ms after the call. */
export async function withMinimumDuration(
  floor: number,
  verify: () => Promise<Verdict>,
  time: Stopwatch = REAL,
): Promise<Verdict> {
  const arrived = time.elapsed();
  let verdict: Verdict | undefined;
  try {
    verdict = await verify();
    return verdict;
  } finally {
    const left = floor - (time.elapsed() - arrived);
    if (verdict?.kind !== 'proved') await time.sleep(Math.max(0, left));
  }
}
