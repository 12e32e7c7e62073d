// gatehouse migrate: brings the tables up, or takes the last change back.
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { print, printJson } from './output.ts';

interface Options {
  readonly down?: boolean;
  readonly status?: boolean;
  readonly json?: boolean;
}

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the tables of the database up to date (serve does so by itself)')
    .option('--down', 'take the last batch of changes back')
    .option('--status', 'only say what is missing')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const report = await run(options);
      if (options.json) printJson(report);
      else for (const [name, list] of Object.entries(report)) sayList(name, list);
    });
}

async function run({ down, status }: Options): Promise<Record<string, readonly string[]>> {
  const config = loadConfig();
  const { migrateDown, migrateUp, pendingMigrations } = await import('../store/migrate.ts');
  const { addressOf } = await import('../store/open.ts');
  const address = addressOf(config);
  if (status) return { pending: await pendingMigrations(address) };
  if (down) return { taken_back: (await migrateDown(address)).applied };
  return { applied: (await migrateUp(address)).applied };
}

function sayList(name: string, list: readonly string[]): void {
  print(`${name.replace('_', ' ')}: ${list.length === 0 ? 'nothing' : list.join(', ')}`);
}
