// Runs one experiment on one store, and judges it by the invariants.
import { inspect } from 'node:util';
import { machineTime } from '../src/lib/clock.ts';
import { POSTGRES, SQLITE } from '../test/support/stores.ts';
import type { Bench, Experiment, Figures, StoreName } from './experiment.ts';
import { findBroken } from './invariants.ts';
import { createJournal } from './journal.ts';
import { createRandom } from './random.ts';
import { openSite, type Site } from './site.ts';

export interface Result {
  readonly experiment: string;
  readonly store: StoreName;
  readonly figures: Figures;
  readonly seed: number;
  readonly seconds: number;
  /** Intentions in the journal. */
  readonly operations: number;
  readonly unknown: number;
  /** Empty: all invariants hold. */
  readonly broken: readonly string[];
}

export interface Asked {
  readonly store: StoreName;
  readonly seed: number;
  readonly minutes?: number | undefined;
  readonly say: (text: string) => void;
}

export async function runExperiment(experiment: Experiment, asked: Asked): Promise<Result> {
  const { store, seed, minutes, say } = asked;
  const from = machineTime();
  const journal = createJournal();
  const sites: Site[] = [];
  const last: Array<() => unknown> = [];
  const kind = store === 'sqlite' ? SQLITE : POSTGRES;
  const bench: Bench = {
    ...{ kind, store, minutes, say, journal },
    random: createRandom(seed),
    rounds: (usual) => Math.max(1, Math.round(usual * (minutes ?? 1))),
    open: async (options) => {
      const site = await openSite(kind, options);
      sites.push(site);
      return site;
    },
    finally: (act) => last.unshift(act),
  };
  let figures: Figures = {};
  const broken: string[] = [];
  try {
    figures = await experiment.run(bench);
    broken.push(...(await findBroken(journal, sites)));
  } catch (error) {
    broken.push(`it did not come to its end: ${inspect(error)}`);
  }
  broken.push(...(await tidy([...sites.map((site) => site.stop), ...last])));
  const { entries } = journal;
  const unknown = entries.filter(({ outcome }) => outcome === 'unknown').length;
  const seconds = Math.round((machineTime() - from) / 1000);
  const { name } = experiment;
  return {
    experiment: name,
    store,
    figures,
    seed,
    seconds,
    operations: entries.length,
    unknown,
    broken,
  };
}

async function tidy(operations: ReadonlyArray<() => unknown>): Promise<string[]> {
  const problems: string[] = [];
  for (const act of operations) {
    try {
      await act();
    } catch (error) {
      problems.push(`it did not stop cleanly: ${String(error).slice(0, 500)}`);
    }
  }
  return problems;
}
