// Sign-ins flood in beside tokens and health.

import type { Bench, Experiment, Figures } from '../experiment.ts';
import { beside, health, p99, type Sample } from '../measure.ts';
import { BELIEVING, createPerson, type Person, signIn } from '../people.ts';
import { watchRecovery } from '../recovery.ts';
import type { Site } from '../site.ts';
import { goOn, share, startChains, type Traffic } from '../traffic.ts';

const AT_ONCE = 400;
/** Milliseconds that tokens and health may take beside them (p99). */
const BEARABLE = 1_000;

export const flood: Experiment = {
  name: 'flood',
  title: '400 sign-ins at once, of 400 accounts and of one, beside tokens and health',
  stores: ['sqlite', 'postgres'],
  takes: '90 s',
  run: async (bench) => {
    const site = await bench.open({ env: BELIEVING });
    const at = { journal: bench.journal, site };
    const people = await createPeople(site);
    const traffic = goOn(at, await startChains(at, 4));
    const scene = { site, traffic };
    const figures = {
      'of 400 accounts': await floodOnce(bench, scene, people),
      'of one account': await floodOnce(bench, scene, people.slice(0, 1)),
    };
    await traffic.stop();
    return figures as Figures;
  },
};

interface Scene {
  readonly site: Site;
  readonly traffic: Traffic;
}

async function createPeople(site: Site): Promise<Person[]> {
  const people: Person[] = [];
  while (people.length < AT_ONCE) {
    people.push(...(await Promise.all(Array.from({ length: 20 }, () => createPerson(site)))));
  }
  return people;
}

async function floodOnce(
  bench: Bench,
  { site, traffic }: Scene,
  people: readonly Person[],
): Promise<string> {
  const at = { journal: bench.journal, site };
  const watch = await watchRecovery(bench, traffic);
  const begun = traffic.samples.length;
  const all = Promise.all(
    Array.from({ length: AT_ONCE }, async (_, index) => {
      const person = people[index % people.length] as Person;
      return (await signIn(at, person, index)).outcome;
    }),
  );
  const { result, samples } = await beside(all, () => health(site.at(0)));
  const refreshes = traffic.samples.slice(begun);
  await watch.recover();
  demand(bench, 'refresh', refreshes);
  demand(bench, 'health', samples);
  const count = (what: string) => result.filter((outcome) => outcome === what).length;
  const signedIn = `signed in ${count('done')}, told to wait ${count('unknown')}`;
  const ready = `ready p99 ${p99(samples)} ms (${share(samples, 200)} of ${samples.length} ok)`;
  const text = `${signedIn}, refresh p99 ${p99(refreshes)} ms of ${refreshes.length}, ${ready}`;
  bench.say(`of ${people.length}: ${text}`);
  return text;
}

/** Over SQLite each statement takes the process's own time, so that no line can be passed. */
function demand({ journal, store }: Bench, what: string, samples: readonly Sample[]): void {
  if (store === 'sqlite') return;
  const took = p99(samples);
  if (took >= BEARABLE) journal.breaks(`${what}: p99 ${took} ms beside ${AT_ONCE} sign-ins`);
  const failed = samples.length - share(samples, 200);
  if (failed > 0) journal.breaks(`${what}: ${failed} of ${samples.length} failed`);
}
