// How soon a refusal may be told: never sooner than the slowest accepted hash would take.
import { setTimeout as sleep } from 'node:timers/promises';
import { elapsed } from '../../lib/clock.ts';
import type { Verdict } from '../method.ts';

/** A right password is answered at once; anything else, a failure too, `floor` ms after the call. */
export async function refuseNoEarlier(
  floor: number,
  verify: () => Promise<Verdict>,
): Promise<Verdict> {
  const arrived = elapsed();
  let verdict: Verdict | undefined;
  try {
    verdict = await verify();
    return verdict;
  } finally {
    if (verdict?.kind !== 'proved') await sleep(Math.max(0, floor - (elapsed() - arrived)));
  }
}
