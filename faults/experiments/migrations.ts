// Migrations killed half-way, run twice at once, down and up again.
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../test/support/processes.ts';
import { launchCommand } from '../commands.ts';
import type { Bench, Experiment } from '../experiment.ts';

export const migrations: Experiment = {
  name: 'migrations',
  title: 'migrate killed at random moments, run twice at once, down and up',
  stores: ['sqlite', 'postgres'],
  takes: '40 s',
  run: async (bench) => {
    const { kind, random } = bench;
    const rounds = bench.rounds(6);
    let killed = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const database = await kind.create();
      bench.finally(() => database.remove());
      const first = launchCommand(['migrate'], database);
      await sleep(random.between(400, 2500));
      first.kill();
      if ((await first.ended) === undefined) killed += 1;
      const both = await Promise.all([
        runCommand(['migrate'], { database }),
        runCommand(['migrate'], { database }),
      ]);
      for (const { code, stderr } of both) expectDone(bench, code, stderr, 'healing');
      if (round === 1) {
        const down = ['migrate', '--down', '--to', 'nothing', '--yes'];
        for (const args of [down, ['migrate'], ['migrate', '--status']]) {
          const { code, stderr } = await runCommand(args, { database });
          expectDone(bench, code, stderr, args.join(' '));
        }
      }
      bench.say(`round ${round} of ${rounds}`);
    }
    return { rounds, killed };
  },
};

function expectDone({ journal }: Bench, code: number, stderr: string, what: string): void {
  if (code !== 0) journal.breaks(`migrations: ${what}: ${code}: ${stderr.slice(0, 300)}`);
}
