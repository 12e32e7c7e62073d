// gatehouse serve: runs until it is told to stop.
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Running } from '../main.ts';
import { print } from './output.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('serve the provider (in development also the demo relying party)')
    .option('--no-demo', 'without the demo relying party')
    .action(async ({ demo }: { demo: boolean }) => {
      const config = loadConfig();
      const { start } = await import('../main.ts');
      const enabled = demo && config.demo.enabled && config.env === 'development';
      const running = await start({ ...config, demo: { ...config.demo, enabled } });
      announce(running);
      stopOnSignal(running);
    });
}

function announce({ url, demo, house }: Running): void {
  const { env, product } = house.config;
  print(`${product.name} serves ${url} (${env})`);
  if (!demo) return;
  print(`Demo application: ${demo.url}`);
  print(`Demo sign-in: ${demo.signIn}`);
  print('Ctrl-C stops both.');
}

function stopOnSignal(running: Running): void {
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
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
