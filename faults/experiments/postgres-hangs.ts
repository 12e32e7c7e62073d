// PostgreSQL answers nothing for a while: stopped processes, then a network that is silent.
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../src/lib/clock.ts';
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { beside, health, p99, type Sample, timed } from '../measure.ts';
import { type OwnPostgres, ownPostgres, signal } from '../own-postgres.ts';
import { watchRecovery } from '../recovery.ts';
import type { Site } from '../site.ts';
import { between, goOn, share, startChains, type Traffic } from '../traffic.ts';

/** Seconds a statement may take, as configured. */
const TIMEOUT = 3;
/** Milliseconds for what is no waiting: a loaded machine takes its time. */
const FAST = 1_000;

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
    const site = await bench.open({ ...own, config: { store: { timeout: TIMEOUT } } });
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
  const pages: Sample[] = [];
  const { samples } = await beside(
    sleep(hang.seconds * 1000).then(() => hang.end(own)),
    async () => {
      pages.push(await timed(() => authorize(site)));
      return health(site.at(0));
    },
    250,
  );
  const until = machineTime();
  const { seconds, usual, after } = await watch.recover();
  const during = between(traffic.samples, from, until);
  const late = samples.filter(({ at }) => at > from + TIMEOUT * 1000 + 500);
  if (hang.seconds >= 5 && share(late, 200) > 1) {
    bench.journal.breaks(`health: ready said ok ${share(late, 200)} × while ${hang.name}`);
  }
  const asked = [...during, ...pages];
  judge(bench, hang, asked, from);
  const longest = Math.max(...asked.map(({ ms }) => ms), 0);
  const fast = `after the first p99 ${p99(afterFirst(asked, from, hang))} ms`;
  const ready = `ready 503 ${share(samples, 503)} of ${samples.length}`;
  const pages503 = `pages 503 ${share(pages, 503)} of ${pages.length}`;
  return `503 ${share(during, 503)}, ${pages503}, longest ${longest} ms, ${fast}, ${ready}, back ${seconds.toFixed(1)} s, p99 ${usual}→${after}`;
}

/** Refused, not made to wait: those that were asked when the first had timed out, and not at the end. */
function afterFirst(asked: readonly Sample[], from: number, { seconds }: Hang): Sample[] {
  return between(asked, from + TIMEOUT * 1000 + 500, from + seconds * 1000 - 100);
}

function judge({ journal }: Bench, hang: Hang, asked: readonly Sample[], from: number): void {
  const longest = Math.max(...asked.map(({ ms }) => ms), 0);
  if (longest > TIMEOUT * 1000 + FAST) {
    journal.breaks(`${hang.name}: an answer took ${longest} ms, ${TIMEOUT} s are configured`);
  }
  const later = p99(afterFirst(asked, from, hang));
  if (later > FAST) journal.breaks(`${hang.name}: refusals took ${later} ms after the first`);
}

/** The first page of a sign-in. */
function authorize({ party, at }: Site): Promise<{ status: number }> {
  const { pathname, search } = new URL(party.url().url);
  const within = { redirect: 'manual', signal: AbortSignal.timeout(20_000) } as const;
  return fetch(`${at(0)}${pathname}${search}`, within);
}
