// Opens the house for one command and closes it afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Core } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { withRequest } from '../lib/request-context.ts';
import type { Look, LookedAt } from '../look.ts';
import { actor } from './actor.ts';

/** For what is there: it makes no database. */
export function withCore<T>(work: (core: Core) => Promise<T>): Promise<T> {
  return inHouse(work, loadConfig(), 'expect');
}

/** For the first things in a house: makes a database where there never was one. */
export function withNewCore<T>(work: (core: Core) => Promise<T>): Promise<T> {
  return inHouse(work, loadConfig(), 'begin');
}

async function inHouse<T>(
  work: (core: Core) => Promise<T>,
  config: Config,
  opening: 'begin' | 'expect',
): Promise<T> {
  // Loaded here alone: `--help` need not wait for all that a command is made of.
  const { openCore } = await import('../app.ts');
  // A command talks to its person; the log would only stand between.
  const core = await openCore(quiet(config), { opening });
  try {
    return await withRequest({ actor: actor() }, () => work(core));
  } finally {
    await core.close();
  }
}

/** Changes nothing. Undefined, without a look, where no database was made yet. */
export async function lookInside<T>(work: (look: Look) => Promise<T>): Promise<T | undefined> {
  const config = loadConfig();
  const { isMade } = await import('../store/migrate.ts');
  const { addressOf } = await import('../store/open.ts');
  if (!(await isMade(addressOf(config)))) return undefined;
  const { openToLook } = await import('../look.ts');
  const look = await openToLook(quiet(config));
  try {
    return await work(look);
  } finally {
    await look.close();
  }
}

/** The same in a house that is gone afterwards, where no database was made yet. */
export async function rehearse<T>(work: (look: LookedAt) => Promise<T>): Promise<T> {
  const seen = await lookInside(async (look) => ({ found: await work(look) }));
  if (seen) return seen.found;
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rehearsal-'));
  try {
    const { database_url: _, ...config } = loadConfig();
    return await inHouse(work, { ...config, data_dir: folder }, 'begin');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function quiet(config: Config): Config {
  const { log_level: level } = config;
  return { ...config, log_level: level === 'debug' || level === 'trace' ? level : 'error' };
}
