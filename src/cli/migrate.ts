// gatehouse migrate: brings the tables up, or takes changes back.
import { Command, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Loss } from '../store/migrate-down.ts';
import type { DatabaseAddress } from '../store/migrations.ts';
import type { NodeRow } from '../store/nodes.ts';
import { print, printJson } from './output.ts';

interface Options {
  readonly down?: boolean;
  readonly to?: string;
  readonly yes?: boolean;
  readonly status?: boolean;
  readonly json?: boolean;
}

export function migrateCommand(): Command {
  const status = new Option('--status', 'show pending migrations without applying them');
  return new Command('migrate')
    .description('apply pending migrations (serve does this automatically)')
    .addOption(status.conflicts(['down', 'to', 'yes']))
    .option('--down', 'revert the newest migration, including its data')
    .option('--to <name>', 'revert all migrations newer than this one ("nothing": all of them)')
    .option('--yes', 'confirm; without it, --down shows what would be lost')
    .option('--json', 'print JSON')
    .action(async (options: Options, command: Command) => {
      if (!options.down && (options.to !== undefined || options.yes)) {
        command.error('error: --to and --yes go with --down');
      }
      const report = await run(options);
      if (options.json) printJson(report);
      else for (const [name, list] of Object.entries(report)) sayList(name, list);
    });
}

async function run(options: Options): Promise<Record<string, readonly string[]>> {
  const config = loadConfig();
  const { migrateUp, pendingMigrations } = await import('../store/migrate.ts');
  const { addressOf } = await import('../store/open.ts');
  const address = addressOf(config);
  if (options.status) return { pending: await pendingMigrations(address) };
  if (options.down) return { taken_back: await takeBack(address, options) };
  return { applied: (await migrateUp(address, 'anew')).applied };
}

async function takeBack(address: DatabaseAddress, { to, yes }: Options): Promise<string[]> {
  const { migrateDown, planDown, serversOf } = await import('../store/migrate-down.ts');
  refuseBeside(await serversOf(address));
  const { taken_back: names, lost } = await planDown(address, to);
  if (names.length === 0) return [];
  if (yes) return migrateDown(address, to);
  const what = lost.length === 0 ? 'No data will be lost' : 'This data will be lost';
  throw new GatehouseError('invalid_input', {
    message: `${what} with ${names.join(', ')}. Make a backup, and add --yes to do it.`,
    details: lost.map(describe),
  });
}

function describe({ table, column, rows }: Loss): string {
  const what = column === undefined ? `table ${table}` : `column ${column} of ${table}`;
  return `${what}: ${rows} ${rows === 1 ? 'row' : 'rows'}`;
}

function refuseBeside(servers: readonly NodeRow[]): void {
  if (servers.length === 0) return;
  const names = servers.map(({ id }) => id).join(', ');
  throw new GatehouseError('invalid_input', {
    message: `${servers.length === 1 ? 'A server uses' : `${servers.length} servers use`} this database (${names}): stop all of them first.`,
  });
}

function sayList(name: string, list: readonly string[]): void {
  print(`${name.replace('_', ' ')}: ${list.length === 0 ? 'nothing' : list.join(', ')}`);
}
