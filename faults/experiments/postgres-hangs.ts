// PostgreSQL answers nothing for a while: stopped processes, then a network that is silent.
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../src/lib/clock.ts';
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { beside, health } from '../measure.ts';
import { type OwnPostgres, ownPostgres, signal } from '../own-postgres.ts';
import { watchRecovery } from '../recovery.ts';
import type { Site } from '../site.ts';
import { between, goOn, share, startChains, type Traffic } from '../traffic.ts';

interface Hang {
  readonly name: string;
  readonly seconds: number;
  begin(own: OwnPostgres): void;
  end(own: OwnPostgres): void;
}

const stopped = (seconds: number): Hang => ({
  name: `stopped ${seconds} s`,
  seconds,
  begin: ({ server }) => signal(server, 'SIGSTOP'),
  end: ({ server }) => signal(server, 'SIGCONT'),
});

const silent = (seconds: number): Hang => ({
  name: `silent ${seconds} s`,
  seconds,
  begin: ({ proxy }) => proxy.freeze(),
  end: ({ proxy }) => proxy.thaw(),
});

export const postgresHangs: Experiment = {
  name: 'postgres-hangs',
  title: 'PostgreSQL stopped (SIGSTOP) 5 s, silent (proxy) 5, 30 and, with --minutes 4, 120 s',
  stores: ['postgres'],
  takes: '90 s',
  run: async (bench) => {
    const own = await ownPostgres(bench);
    const site = await bench.open({ ...own, config: { store: { timeout: 3 } } });
    const traffic = goOn(
      { journal: bench.journal, site },
      await startChains({ ...bench, site }, 4),
    );
    const long = (bench.minutes ?? 0) >= 4 ? [silent(120)] : [];
    const figures: Record<string, string> = {};
    for (const hang of [stopped(5), silent(5), silent(30), ...long]) {
      figures[hang.name] = await hangOnce(bench, { own, site, traffic, hang });
      bench.say(`${hang.name}: ${figures[hang.name]}`);
    }
    await traffic.stop();
    return figures as Figures;
  },
};

interface Scene {
  readonly own: OwnPostgres;
  readonly site: Site;
  readonly traffic: Traffic;
  readonly hang: Hang;
}

async function hangOnce(bench: Bench, { own, site, traffic, hang }: Scene): Promise<string> {
  const watch = await watchRecovery(bench, traffic);
  const from = machineTime();
  hang.begin(own);
  const { samples } = await beside(
    sleep(hang.seconds * 1000).then(() => hang.end(own)),
    () => health(site.at(0)),
    250,
  );
  const until = machineTime();
  const { seconds, usual, after } = await watch.recover();
  const during = between(traffic.samples, from, until);
  const late = samples.filter(({ at }) => at > from + 3500);
  if (hang.seconds >= 5 && share(late, 200) > 1) {
    bench.journal.breaks(`health: ready said ok ${share(late, 200)} × while ${hang.name}`);
  }
  const longest = Math.max(...during.map(({ ms }) => ms), 0);
  const ready = `ready 503 ${share(samples, 503)} of ${samples.length}`;
  return `503 ${share(during, 503)}, longest ${longest} ms, ${ready}, back ${seconds.toFixed(1)} s, p99 ${usual}→${after}`;
}
