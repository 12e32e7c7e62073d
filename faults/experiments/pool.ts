// Far more requests than PostgreSQL connections.
import type { Experiment } from '../experiment.ts';
import { refresh } from '../people.ts';
import { startChains } from '../traffic.ts';

export const poolExhausted: Experiment = {
  name: 'pool-exhausted',
  title: 'two connections for each process, 300 requests at once',
  stores: ['postgres'],
  takes: '15 s',
  run: async (bench) => {
    const site = await bench.open({ config: { store: { pool: 2 } } });
    const at = { journal: bench.journal, site };
    const chains = await startChains(at, 60);
    const answers = await Promise.all(
      chains.map(({ person, token }, index) => refresh(at, person, token, index)),
    );
    const others = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        bench.journal.run({ act: 'wrong token', subject: String(index) }, () =>
          site.application.post(
            'refresh',
            { refreshToken: `none-${index}` },
            { at: site.at(index) },
          ),
        ),
      ),
    );
    const done = answers.filter(({ outcome }) => outcome === 'done').length;
    const unknown = [...answers, ...others].filter(({ outcome }) => outcome === 'unknown').length;
    return { refreshed: done, of: chains.length, beside: others.length, '503': unknown };
  },
};
