// Brings the tables up, safely when several processes start at once.
import { existsSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { machineTime, toIso } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { release } from '../lib/release.ts';
import {
  appliedIn,
  type DatabaseAddress,
  load,
  type Migration,
  ownMigrations,
  reading,
  TABLE,
  writing,
} from './migrations.ts';

export type { DatabaseAddress } from './migrations.ts';

export interface MigrationReport {
  readonly applied: readonly string[];
}

const LOCK_TABLE = 'migrations_lock';
const PATIENCE_TRIES = 300;
const PATIENCE_PAUSE = 200;
const MIGRATED_BY = 'migrated_by';

/**
 * What may become of a database that is not there. `begin`: one is made, unless there was one
 * before. `anew`: one is made. `expect`: nothing is made.
 */
export type Opening = 'begin' | 'anew' | 'expect';

/** Applies what is missing. @returns the names of the migrations applied now */
export async function migrateUp(
  address: DatabaseAddress,
  opening: Opening = 'begin',
): Promise<MigrationReport> {
  await assertOpening(address, opening);
  const applied = await migrating(address, async (knex) => {
    await assertKnown(knex);
    const [, names] = (await knex.migrate.latest(settings())) as [number, string[]];
    if (names.length > 0) await remember(knex);
    return names;
  });
  leaveMark(address);
  return { applied };
}

/** Names of the migrations that are not applied yet. Makes nothing, changes nothing. */
export async function pendingMigrations(address: DatabaseAddress): Promise<string[]> {
  const applied = await reading(address, (knex) => patiently(() => appliedIn(knex)));
  return ownMigrations()
    .map(({ name }) => name)
    .filter((name) => !applied?.includes(name));
}

/** Whether a Gatehouse has made tables in this database. */
export async function isMade(address: DatabaseAddress): Promise<boolean> {
  const applied = await reading(address, (knex) => patiently(() => appliedIn(knex)));
  return applied !== undefined && applied.length > 0;
}

/** Throws where there is nothing and nothing may be made. */
async function assertOpening(address: DatabaseAddress, opening: Opening): Promise<void> {
  const { dialect, location } = address;
  if (opening === 'anew' || (dialect === 'better-sqlite3' && existsSync(location))) return;
  if (dialect === 'better-sqlite3') {
    const wasThere = existsSync(markOf(location));
    if (opening === 'begin' && !wasThere) return;
    throw missing(`There is no database file ${location}`, wasThere);
  }
  if (opening === 'begin' || (await isMade(address))) return;
  throw missing('There are no tables in the database of DATABASE_URL', false);
}

function missing(what: string, wasThere: boolean): GatehouseError {
  const cure = wasThere
    ? 'there was one: put it back, or a backup. "gatehouse migrate" makes a new one'
    : '"gatehouse serve" or "gatehouse migrate" makes it';
  return new GatehouseError('store_missing', { message: `${what}: ${cure}.` });
}

/** Stays when the database file is deleted: nobody then takes a new one for it. */
function leaveMark({ dialect, location }: DatabaseAddress): void {
  const mark = markOf(location);
  if (dialect === 'pg' || existsSync(mark)) return;
  const text = `${parse(location).base} was made here, at ${toIso(machineTime())} at the latest.\n`;
  writeFileSync(mark, text, { mode: 0o600 });
}

function markOf(location: string): string {
  const { dir, name } = parse(location);
  return join(dir, `${name}.made`);
}

/** Left to itself, knex says that the migrations of a newer release are "corrupt". */
async function assertKnown(knex: Knex): Promise<void> {
  const own = new Set(ownMigrations().map(({ name }) => name));
  const unknown = (await appliedIn(knex)).filter((name) => !own.has(name));
  if (unknown.length === 0) return;
  const by = await knex('settings').where({ name: MIGRATED_BY }).first('value');
  const needed = by ? `Gatehouse ${by.value}` : 'a newer release';
  throw new GatehouseError('store_newer', {
    message: `The tables of this database are those of ${needed} (${unknown.join(', ')}), and this is ${release()}: start that one or a newer one, or take the changes back with it first (gatehouse migrate --down --to ${[...own].at(-1)}).`,
  });
}

async function remember(knex: Knex): Promise<void> {
  const row = { name: MIGRATED_BY, value: release() };
  await knex('settings').insert(row).onConflict('name').merge(['value']);
}

/** With the lock of knex ready to be taken; another process may hold it for up to a minute. */
export function migrating<T>(
  address: DatabaseAddress,
  work: (knex: Knex) => Promise<T>,
): Promise<T> {
  return writing(address, (knex) =>
    patiently(async () => {
      await prepareLock(knex);
      return work(knex);
    }),
  );
}

/**
 * The lock of knex is a row that one process marks. Left to itself, knex looks whether there is one
 * and then adds it: two first starts at once add two, and a lock of two rows can never be taken.
 */
async function prepareLock(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasTable(LOCK_TABLE))) {
    await knex.schema.createTable(LOCK_TABLE, (table) => {
      table.increments('index').primary();
      table.integer('is_locked');
    });
  }
  if (await knex(LOCK_TABLE).first('index')) return;
  const row = knex
    .select(knex.raw('1'), knex.raw('0'))
    .whereNotExists(knex(LOCK_TABLE).select('*'));
  await knex(knex.raw('?? (??, ??)', [LOCK_TABLE, 'index', 'is_locked']))
    .insert(row)
    .onConflict()
    .ignore();
}

/** Another process may hold the lock at this very moment: wait for it, a minute at most. */
async function patiently<T>(work: () => Promise<T>, tries = PATIENCE_TRIES): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (tries <= 1 || !isContended(error as Error)) throw error;
    await sleep(PATIENCE_PAUSE);
    return patiently(work, tries - 1);
  }
}

function isContended(error: Error & { code?: string }): boolean {
  const inTheWay = /already locked|database is locked|already exists|duplicate key|UNIQUE/i;
  return inTheWay.test(error.message) || error.code === 'SQLITE_BUSY';
}

// Names carry no extension, so that sources (.ts) and a release (.js) mean the same migration.
const source: Knex.MigrationSource<Migration> = {
  getMigrations: async () => ownMigrations(),
  getMigrationName: (migration) => migration.name,
  getMigration: load,
};

export function settings(): Knex.MigratorConfig {
  return { migrationSource: source, tableName: TABLE };
}
