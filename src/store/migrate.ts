// Brings the tables up (or down) by knex, safely when several processes start at once.
import { readdirSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import knexModule, { type Knex } from 'knex';
import { makeFolder } from '../lib/folders.ts';
import { PROJECT_ROOT } from '../lib/root.ts';

export interface DatabaseAddress {
  readonly dialect: 'better-sqlite3' | 'pg';
  /** File of SQLite, URL of PostgreSQL. */
  readonly location: string;
  /** Seconds that connecting may take. */
  readonly timeout: number;
}

export interface MigrationReport {
  readonly applied: readonly string[];
}

const TABLE = 'migrations';
const LOCK_TABLE = 'migrations_lock';
const PATIENCE_TRIES = 300;
const PATIENCE_PAUSE = 200;

/** Applies what is missing. @returns the names of the migrations applied now */
export function migrateUp(address: DatabaseAddress): Promise<MigrationReport> {
  return withKnex(address, (knex) => report(knex.migrate.latest(settings())));
}

/** Takes back the last batch, or everything. */
export function migrateDown(address: DatabaseAddress, all = false): Promise<MigrationReport> {
  return withKnex(address, (knex) => report(knex.migrate.rollback(settings(), all)));
}

/** Names of the migrations that are not applied yet. */
export function pendingMigrations(address: DatabaseAddress): Promise<string[]> {
  return withKnex(address, async (knex) => {
    const [, pending] = await knex.migrate.list(settings());
    return (pending as Migration[]).map((migration) => migration.name);
  });
}

async function withKnex<T>(
  { dialect, location, timeout }: DatabaseAddress,
  work: (knex: Knex) => Promise<T>,
): Promise<T> {
  const within = timeout * 1000;
  const server = { connectionString: location, connectionTimeoutMillis: within };
  const connection = dialect === 'pg' ? server : { filename: location };
  if (dialect !== 'pg') makeFolder(dirname(location));
  const knex = knexModule({
    client: dialect,
    connection,
    useNullAsDefault: true,
    pool: { min: 1, max: 1, afterCreate },
    acquireConnectionTimeout: within,
    log: { warn: () => undefined, error: () => undefined },
  });
  try {
    return await patiently(async () => {
      await prepareLock(knex);
      return work(knex);
    });
  } finally {
    await knex.destroy();
  }
}

type Created = { pragma?: (text: string) => void };

/**
 * SQLite's driver would block this process while another migrates: we wait outside instead. The
 * journal becomes a WAL here, where waiting for others is possible; it stays one.
 */
function afterCreate(
  connection: Created,
  done: (error: unknown, connection: Created) => void,
): void {
  try {
    connection.pragma?.('busy_timeout = 50');
    connection.pragma?.('journal_mode = WAL');
    done(null, connection);
  } catch (error) {
    done(error, connection);
  }
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

async function report(work: Promise<[number, string[]]>): Promise<MigrationReport> {
  const [, applied] = await work;
  return { applied };
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

interface Migration {
  readonly name: string;
  readonly file: string;
}

// Names carry no extension, so that sources (.ts) and a release (.js) mean the same migration.
const source: Knex.MigrationSource<Migration> = {
  getMigrations: async () => migrationFiles(),
  getMigrationName: (migration) => migration.name,
  getMigration: (migration) => import(pathToFileURL(migration.file).href),
};

function settings(): Knex.MigratorConfig {
  return { migrationSource: source, tableName: TABLE };
}

function migrationFiles(): Migration[] {
  const folder = migrationsFolder();
  return readdirSync(folder)
    .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'))
    .sort()
    .map((file) => ({ name: parse(file).name, file: join(folder, file) }));
}

function migrationsFolder(): string {
  const fromRelease = import.meta.url.includes('/dist/src/');
  return join(PROJECT_ROOT, fromRelease ? 'dist/migrations' : 'migrations');
}
