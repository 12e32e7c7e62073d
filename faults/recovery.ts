// Usual before, and usual again after: invariant 10.
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../src/lib/clock.ts';
import type { Bench } from './experiment.ts';
import { p99, type Sample } from './measure.ts';
import { between, type Traffic } from './traffic.ts';

/** Seconds that count as usual, and that must be as usual again. */
const LOOK = 3;

export interface Watch {
  /** Call when the fault is over: waits until it is as before, thirty seconds at most. */
  recover(): Promise<{ usual: number; after: number; seconds: number }>;
}

export async function watchRecovery({ journal }: Bench, traffic: Traffic): Promise<Watch> {
  const begun = machineTime();
  await sleep(LOOK * 1000);
  const usual = p99(between(traffic.samples, begun, machineTime()));
  return {
    recover: async () => {
      const over = machineTime();
      const good = (samples: readonly Sample[]) =>
        samples.length > 10 &&
        samples.every(({ status }) => status < 500 && status > 0) &&
        p99(samples) <= 2 * Math.max(usual, 50);
      let last: Sample[] = [];
      do {
        await sleep(500);
        const now = machineTime();
        last = between(traffic.samples, now - LOOK * 1000, now);
        if (now - over > 2000 && good(last.filter(({ at }) => at >= over))) break;
      } while (machineTime() - over < 31_000);
      const recovery = {
        usual,
        after: p99(last.filter(({ at }) => at >= over)),
        seconds: (machineTime() - over) / 1000,
      };
      journal.recovered(recovery);
      return recovery;
    },
  };
}
