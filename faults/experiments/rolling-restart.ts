// SIGTERM to one node after the other, behind a balancer: no request fails.
import { setTimeout as sleep } from 'node:timers/promises';
import { startBalancer } from '../balancer.ts';
import type { Experiment } from '../experiment.ts';
import { goOn, share, startChains } from '../traffic.ts';

export const rollingRestart: Experiment = {
  name: 'rolling-restart',
  title: 'both nodes restarted in turn behind a balancer, no request fails',
  stores: ['sqlite', 'postgres'],
  takes: '30 s',
  run: async (bench) => {
    const site = await bench.open({ config: { http: { stop_delay: 2 } } });
    const balancer = await startBalancer(site.nodes.map(({ port }) => port));
    bench.finally(() => balancer.stop());
    const chains = await startChains({ journal: bench.journal, site }, 6);
    const behind = { ...site, at: () => balancer.url };
    const traffic = goOn({ journal: bench.journal, site: behind }, chains);
    const rounds = bench.rounds(2);
    for (let round = 1; round <= rounds; round += 1) {
      for (const number of [0, 1]) {
        await sleep(500);
        await site.terminate(number);
        await site.start(number);
        // The balancer has to see that it is back.
        await sleep(700);
      }
      bench.say(`round ${round} of ${rounds}`);
    }
    await traffic.stop();
    const { samples } = traffic;
    const failed = samples.length - share(samples, 200);
    if (failed > 0) bench.journal.breaks(`rolling restart: ${failed} of ${samples.length} failed`);
    return { restarts: rounds * 2, requests: samples.length, failed };
  },
};
