// Sign-ins flood in beside tokens and health.

import type { Experiment, Figures } from '../experiment.ts';
import { beside, health, p99 } from '../measure.ts';
import { BELIEVING, createPerson, signIn } from '../people.ts';
import { watchRecovery } from '../recovery.ts';
import { goOn, share, startChains } from '../traffic.ts';

export const flood: Experiment = {
  name: 'flood',
  title: '400 sign-ins at once, of 40 accounts and of one, beside tokens and health',
  stores: ['sqlite', 'postgres'],
  takes: '60 s',
  run: async (bench) => {
    const site = await bench.open({ env: BELIEVING });
    const at = { journal: bench.journal, site };
    const people = [];
    for (let index = 0; index < 40; index += 1) people.push(await createPerson(site));
    const traffic = goOn(at, await startChains(at, 4));
    const figures: Record<string, string> = {};
    for (const [name, many] of [
      ['of 40 accounts', people],
      ['of one account', people.slice(0, 1)],
    ] as const) {
      const watch = await watchRecovery(bench, traffic);
      const begun = traffic.samples.length;
      const all = Promise.all(
        Array.from({ length: 400 }, async (_, index) => {
          const person = many[index % many.length];
          return person ? (await signIn(at, person, index)).outcome : 'unknown';
        }),
      );
      const { result, samples } = await beside(all, () => health(site.at(0), 'live'));
      const tokens = p99(traffic.samples.slice(begun));
      await watch.recover();
      const done = result.filter((outcome) => outcome === 'done').length;
      const live = `health p99 ${p99(samples)} ms (${share(samples, 200)} of ${samples.length} ok)`;
      figures[name] = `signed in ${done} of 400, refresh p99 ${tokens} ms, ${live}`;
      bench.say(`${name}: ${figures[name]}`);
    }
    await traffic.stop();
    return figures as Figures;
  },
};
