// A hundred thousand and a million expired rows are removed while tokens are issued.
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { health, p99, type Sample, secondsUntil, timed } from '../measure.ts';
import { watchRecovery } from '../recovery.ts';
import type { Site } from '../site.ts';
import { goOn, startChains } from '../traffic.ts';

export const cleaning100k = cleaning(100_000, 'cleaning-100k', '100 s');
export const cleaning1m = cleaning(1_000_000, 'cleaning-1m', '8 min');

/** The second that a sweep waits, the minute between two, and as long as it may take. */
function limitFor(rows: number, minutes: number | undefined): number {
  return minutes === undefined ? 90 + rows / 1000 : minutes * 60;
}

function cleaning(rows: number, name: string, takes: string): Experiment {
  return {
    name,
    title: `${rows.toLocaleString('en')} expired rows removed under load`,
    stores: ['sqlite', 'postgres'],
    takes,
    run: async (bench) => {
      const site = await bench.open();
      const at = { journal: bench.journal, site };
      const traffic = goOn(at, await startChains(at, 4));
      await watchRecovery(bench, traffic);
      const usual = p99(traffic.samples);
      await insertExpired(site, rows);
      const begun = traffic.samples.length;
      const { seconds, left, healthy } = await watchRows(bench, site, rows);
      await traffic.stop();
      if (left > 0) bench.journal.breaks(`cleaning: ${left} of ${rows} rows are still there`);
      const during = p99(traffic.samples.slice(begun));
      return {
        removed: rows - left,
        of: rows,
        'in, s': seconds,
        'p99 of refresh before, ms': usual,
        'and during': during,
        'p99 of health': healthy,
      } as Figures;
    },
  };
}

async function watchRows(bench: Bench, site: Site, rows: number) {
  const samples: Sample[] = [];
  let left = rows;
  let looks = 0;
  const seconds = await secondsUntil(
    async () => {
      samples.push(await timed(() => health(site.at(looks))));
      looks += 1;
      if (looks % 20 !== 0) return left === 0;
      left = await countExpired(site);
      if (looks % 200 === 0) bench.say(`${left} rows left`);
      return left === 0;
    },
    limitFor(rows, bench.minutes),
  );
  return { seconds, left, healthy: p99(samples) };
}

async function insertExpired({ core: { store } }: Site, rows: number): Promise<void> {
  const series =
    store.dialect === 'pg'
      ? `generate_series(1, ${rows}) as n(i)`
      : `(with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows}) select i from n)`;
  const text = `insert into oidc_artifacts (model, key, payload, expires_at, created_at)
    select 'Interaction', 'expired-' || i, '{}', 1000, 1000 from ${series}`;
  await store.run({ sql: text, bindings: [] });
}

async function countExpired({ core: { store } }: Site): Promise<number> {
  const query = store.sql('oidc_artifacts').where('expires_at', 1000).count({ count: '*' }).first();
  return Number((await store.find(store.compile(query)))?.count);
}
