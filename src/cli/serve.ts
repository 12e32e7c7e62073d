// gatehouse serve: runs until it is told to stop.
import { Command } from 'commander';
import type { Core } from '../app.ts';
import { doubtsOf } from '../config/doubts.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { LinkWay } from '../first-admin.ts';
import { createLog } from '../lib/log.ts';
import type { Running } from '../main.ts';
import { catchUncaught } from './ending.ts';
import { print } from './output.ts';
import { askForReplacement, rankOfWorker, runWorkers } from './workers.ts';

/** Seconds beyond the longest request, in which letters under way end and the store closes. */
const MARGIN = 5;

export function serveCommand(): Command {
  return new Command('serve')
    .description('start the provider (in development also the demo application)')
    .option('--no-demo', "don't start the demo application")
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
  const { onSignal } = catchUncaught(
    { stop: (failed) => running.stop({ atOnce: failed }) },
    {
      log: running.core.log,
      patience: config.http.stop_timeout + MARGIN,
      failing: askForReplacement,
    },
  );
  // A worker takes its orders from the first process, though the terminal's Ctrl-C reaches both.
  process.on('SIGINT', rank === undefined ? onSignal : () => undefined);
  process.on('SIGTERM', onSignal);
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
  const { stop_delay: delay, stop_timeout: timeout } = config.http;
  const workers = runWorkers(config.workers);
  const stop = async () => {
    workers.stop();
    await workers.ended;
  };
  const log = createLog(config.log_level);
  catchUncaught({ stop }, { log, patience: delay + timeout + 2 * MARGIN });
  process.on('SIGINT', workers.stop);
  process.on('SIGTERM', workers.stop);
  // An error that nobody caught has set another one.
  process.exit((await workers.ended) || process.exitCode);
}

async function announce({ url, demo, core }: Running, lacksDemo: boolean): Promise<void> {
  const { env, product } = core.config;
  print(`${product.name} serves ${url} (${env})`);
  for (const doubt of doubtsOf(core.config)) core.log.warn(doubt);
  await announceAdmin(core);
  if (lacksDemo)
    print("The demo application isn't available: its libraries are development dependencies.");
  if (!demo) return;
  print(`Demo application: ${demo.url}`);
  const { announcePeople } = await import('./demo-people.ts');
  await announcePeople(demo.people, product.name);
  print('Press Ctrl-C to stop both.');
}

/** Said at the first start and never again. */
async function announceAdmin(core: Core): Promise<void> {
  const { ensureFirstAdmin } = await import('../first-admin.ts');
  const way = wayOfLink(core.config);
  const admin = await ensureFirstAdmin(core, way);
  if (!admin) return;
  const { email, link } = admin;
  const says = {
    show: `set the password with this one-time link: ${link}`,
    mail: 'was sent a link to set the password',
    none: `needs a link: gatehouse account reset-password ${email} --reason 'first sign-in'`,
  };
  print(`First administrator: ${email}`);
  print(`  ${says[way]}`);
}

/** Production's output is kept in a log unless it goes to a terminal; elsewhere mails are files anyway. */
function wayOfLink({ env, mail }: Config): LinkWay {
  if (env !== 'production' || process.stdout.isTTY) return 'show';
  return mail.smtp_url === undefined ? 'none' : 'mail';
}
