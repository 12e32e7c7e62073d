// How long requests take, in milliseconds.
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../src/lib/clock.ts';

export interface Sample {
  readonly at: number;
  readonly ms: number;
  /** 0: no answer. */
  readonly status: number;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function p99(samples: readonly Sample[]): number {
  return Math.round(
    quantile(
      samples.map(({ ms }) => ms),
      0.99,
    ),
  );
}

export async function timed(send: () => Promise<{ status: number }>): Promise<Sample> {
  const at = machineTime();
  const status = await send().then(
    (answer) => answer.status,
    () => 0,
  );
  return { at, ms: machineTime() - at, status };
}

/** Asks again and again until the promise settles. */
export async function beside<T>(
  work: Promise<T>,
  send: () => Promise<{ status: number }>,
  every = 20,
): Promise<{ result: T; samples: Sample[] }> {
  const samples: Sample[] = [];
  let isOver = false;
  const stop = () => {
    isOver = true;
  };
  work.then(stop, stop);
  while (!isOver) {
    samples.push(await timed(send));
    await sleep(every);
  }
  return { result: await work, samples };
}

export async function health(at: string, which: 'live' | 'ready' = 'ready') {
  const answer = await fetch(`${at}/health/${which}`, { signal: AbortSignal.timeout(10_000) });
  await answer.body?.cancel();
  return answer;
}

/** Seconds until it is so. */
export async function secondsUntil(isTrue: () => Promise<boolean>, limit = 60): Promise<number> {
  const from = machineTime();
  while (!(await isTrue().catch(() => false))) {
    if (machineTime() - from > limit * 1000) return limit;
    await sleep(50);
  }
  return (machineTime() - from) / 1000;
}
