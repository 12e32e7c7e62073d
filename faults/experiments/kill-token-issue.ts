// kill -9 while tokens are issued: nothing acknowledged is lost, nothing lost works twice.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Experiment } from '../experiment.ts';
import { goOn, startChains } from '../traffic.ts';

const CHAINS = 8;

export const killTokenIssue: Experiment = {
  name: 'kill-token-issue',
  title: 'kill -9 of either process while refresh tokens are issued (300 rounds: --minutes 30)',
  stores: ['sqlite', 'postgres'],
  takes: '30 s',
  run: async (bench) => {
    const site = await bench.open();
    const at = { journal: bench.journal, site };
    const chains = await startChains(at, CHAINS);
    const traffic = goOn(at, chains, 2);
    const rounds = bench.rounds(10);
    let slowest = 0;
    for (let round = 1; round <= rounds; round += 1) {
      await sleep(bench.random.between(20, 400));
      const victim = bench.random.below(2);
      await site.kill(victim);
      slowest = Math.max(slowest, await site.start(victim));
      if (round % 5 === 0) bench.say(`round ${round} of ${rounds}`);
    }
    await traffic.stop();
    return { rounds, ...counted(bench), 'slowest start, s': slowest };
  },
};

function counted({ journal }: Bench) {
  const refreshes = journal.entries.filter(({ act }) => act === 'refresh');
  const of = (wanted: string) => refreshes.filter(({ outcome }) => outcome === wanted).length;
  return { acknowledged: of('done'), 'answers lost': of('unknown'), refused: of('refused') };
}
