// PostgreSQL is restarted under load, in order and at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../src/lib/clock.ts';
import type { Experiment, Figures } from '../experiment.ts';
import { ownPostgres } from '../own-postgres.ts';
import { watchRecovery } from '../recovery.ts';
import { between, goOn, share, startChains } from '../traffic.ts';

export const postgresRestarts: Experiment = {
  name: 'postgres-restarts',
  title: 'PostgreSQL restarted (fast, immediate), and away for 10 s, under load',
  stores: ['postgres'],
  takes: '45 s',
  run: async (bench) => {
    const own = await ownPostgres(bench);
    const site = await bench.open(own);
    const at = { journal: bench.journal, site };
    const traffic = goOn(at, await startChains(at, 4));
    const figures: Record<string, string> = {};
    for (const [name, mode, pause] of [
      ['fast', 'fast', 0],
      ['immediate', 'immediate', 0],
      ['away 10 s', 'immediate', 10_000],
    ] as const) {
      const watch = await watchRecovery(bench, traffic);
      const from = machineTime();
      await own.server.halt(mode);
      await sleep(pause);
      await own.server.resume();
      const { seconds, usual, after } = await watch.recover();
      const during = between(traffic.samples, from, machineTime());
      figures[name] =
        `503 ${share(during, 503)}, back ${seconds.toFixed(1)} s, p99 ${usual}→${after}`;
      bench.say(`${name}: ${figures[name]}`);
    }
    await traffic.stop();
    const lines = site.output().split('\n').length;
    return { ...figures, 'log lines': lines } as Figures;
  },
};
