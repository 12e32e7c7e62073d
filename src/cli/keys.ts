// gatehouse keys …: the keys that sign tokens.
import { Command } from 'commander';
import { toIso } from '../lib/clock.ts';
import { withHouse } from './house.ts';
import { printJson, printTable } from './output.ts';

export function keysCommands(): Command {
  const command = new Command('keys').description('look at the signing keys');
  command
    .command('list')
    .description('list the signing keys (their public side)')
    .option('--json', 'print JSON')
    .action(({ json }: { json?: boolean }) =>
      withHouse(async ({ keys }) => {
        const rows = (await keys.list()).map(({ kid, alg, createdAt }) => ({
          kid,
          alg,
          created_at: toIso(createdAt),
        }));
        if (json) printJson(rows);
        else printTable(rows);
      }),
    );
  return command;
}
