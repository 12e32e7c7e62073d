// Opens the house for one command and closes it afterwards.
import { userInfo } from 'node:os';
import type { House } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { withRequest } from '../lib/request-context.ts';

export async function withHouse<T>(work: (house: House) => Promise<T>): Promise<T> {
  const config = loadConfig();
  // Loaded here alone: `--help` need not wait for all that a command is made of.
  const { openHouse } = await import('../app.ts');
  // A command talks to its person; the log would only stand between.
  const house = await openHouse({ ...config, log_level: quieter(config.log_level) });
  try {
    return await withRequest({ actor: `cli:${operator()}` }, () => work(house));
  } finally {
    await house.close();
  }
}

/** Who has typed the command; not every container has names for its users. */
function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}

function quieter(level: string) {
  return level === 'debug' || level === 'trace' ? level : 'error';
}
