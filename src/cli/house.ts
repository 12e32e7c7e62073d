// Opens the house for one command and closes it afterwards.
import type { House } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { withRequest } from '../lib/request-context.ts';
import { actor } from './actor.ts';

export async function withHouse<T>(work: (house: House) => Promise<T>): Promise<T> {
  const config = loadConfig();
  // Loaded here alone: `--help` need not wait for all that a command is made of.
  const { openHouse } = await import('../app.ts');
  // A command talks to its person; the log would only stand between.
  const house = await openHouse({ ...config, log_level: quieter(config.log_level) });
  try {
    return await withRequest({ actor: actor() }, () => work(house));
  } finally {
    await house.close();
  }
}

function quieter(level: string) {
  return level === 'debug' || level === 'trace' ? level : 'error';
}
