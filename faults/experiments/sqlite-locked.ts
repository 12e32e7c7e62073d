// Another process holds the write lock of SQLite: 503 meanwhile, truthful health, then as before.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { machineTime } from '../../src/lib/clock.ts';
import type { Experiment, Figures } from '../experiment.ts';
import { beside, health } from '../measure.ts';
import { watchRecovery } from '../recovery.ts';
import { between, goOn, share, startChains } from '../traffic.ts';

export const sqliteLocked: Experiment = {
  name: 'sqlite-locked',
  title: 'SQLite locked by another process for 1, 5 and 30 s',
  stores: ['sqlite'],
  takes: '70 s',
  run: async (bench) => {
    const site = await bench.open();
    const at = { journal: bench.journal, site };
    const traffic = goOn(at, await startChains(at, 4));
    const figures: Record<string, number | string> = {};
    for (const seconds of [1, 5, 30]) {
      bench.say(`locked for ${seconds} s`);
      const watch = await watchRecovery(bench, traffic);
      const other = new Database(join(site.database.dataDir, 'gatehouse.sqlite'));
      const from = machineTime();
      other.exec('begin immediate');
      const { samples } = await beside(sleep(seconds * 1000), () => health(site.at(0)), 200);
      other.exec('rollback');
      other.close();
      const until = machineTime();
      const { seconds: back, usual, after } = await watch.recover();
      const during = between(traffic.samples, from, until);
      const asked = Math.max(...during.map(({ ms }) => ms), 0);
      const text = `503 ${share(during, 503)}, done ${share(during, 200)}, longest ${asked} ms`;
      const ready = `ready 503 ${share(samples, 503)} of ${samples.length}`;
      figures[`${seconds} s`] =
        `${text}, ${ready}, back ${back.toFixed(1)} s, p99 ${usual}→${after}`;
      if (seconds >= 5 && share(samples, 503) === 0) {
        bench.journal.breaks(`health: ready said ok while locked for ${seconds} s`);
      }
    }
    await traffic.stop();
    return figures as Figures;
  },
};
