// gatehouse serve: runs until it is told to stop.
import { Command } from 'commander';
import type { House } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Running } from '../main.ts';
import { print } from './output.ts';
import { rankOfWorker, runWorkers } from './workers.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('serve the provider (in development also the demo relying party)')
    .option('--no-demo', 'without the demo relying party')
    .action(({ demo }: { demo: boolean }) => serve(demo));
}

async function serve(withDemo: boolean): Promise<void> {
  const config = loadConfig();
  const rank = rankOfWorker();
  if (config.workers > 1 && rank === undefined) return serveByWorkers(config);
  const { start } = await import('../main.ts');
  const isFirst = (rank ?? 1) === 1;
  const wanted = withDemo && isFirst && config.demo.enabled && config.env === 'development';
  const enabled = wanted && isDemoInstalled();
  const running = await start({ ...config, demo: { ...config.demo, enabled } });
  stopOnSignal(running, rank !== undefined);
  if (isFirst) await announce(running, wanted && !enabled);
}

function isDemoInstalled(): boolean {
  try {
    import.meta.resolve('openid-client');
    return true;
  } catch {
    return false;
  }
}

async function serveByWorkers(config: Config): Promise<void> {
  const { migrateUp } = await import('../store/migrate.ts');
  const { addressOf } = await import('../store/open.ts');
  await migrateUp(addressOf(config));
  process.exit(await runWorkers(config.workers));
}

async function announce({ url, demo, house }: Running, lacksDemo: boolean): Promise<void> {
  const { env, product } = house.config;
  print(`${product.name} serves ${url} (${env})`);
  await announceAdmin(house);
  if (lacksDemo) print('No demo application: its libraries are development dependencies.');
  if (!demo) return;
  print(`Demo application: ${demo.url}`);
  const { announcePeople } = await import('./demo-people.ts');
  await announcePeople(demo.people, product.name);
  print('Ctrl-C stops both.');
}

/** Shown at the first start and never again. */
async function announceAdmin(house: House): Promise<void> {
  const { ensureFirstAdmin } = await import('../first-admin.ts');
  const admin = await ensureFirstAdmin(house);
  if (!admin) return;
  print(`First administrator: ${admin.email}`);
  print(`  chooses a password, this once, at ${admin.link}`);
}

/** A worker takes its orders from the first process, though the terminal's Ctrl-C reaches both. */
function stopOnSignal(running: Running, isWorker: boolean): void {
  let stopping = false;
  const stop = () => {
    // A second signal means now.
    if (stopping) process.exit(1);
    stopping = true;
    running.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', isWorker ? () => undefined : stop);
  process.on('SIGTERM', stop);
}
