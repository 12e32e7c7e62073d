// The migrations of this release, and a connection of knex to look at those of a database.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { pathToFileURL } from 'node:url';
import knexModule, { type Knex } from 'knex';
import { makeFolder } from '../lib/folders.ts';
import { PROJECT_ROOT } from '../lib/root.ts';
import { addressFrom } from './postgres-address.ts';
import { findWay } from './postgres-pool.ts';

export interface DatabaseAddress {
  readonly dialect: 'better-sqlite3' | 'pg';
  /** File of SQLite, URL of PostgreSQL. */
  readonly location: string;
  /** Seconds that connecting may take. */
  readonly timeout: number;
}

export interface Migration {
  readonly name: string;
  readonly file: string;
}

export interface MigrationModule {
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

export const TABLE = 'migrations';

/** In the order in which they are applied. Sources (.ts) and a release (.js) have the same names. */
export function ownMigrations(): Migration[] {
  const folder = migrationsFolder();
  return readdirSync(folder)
    .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'))
    .sort()
    .map((file) => ({ name: parse(file).name, file: join(folder, file) }));
}

export function load({ file }: Migration): Promise<MigrationModule> {
  return import(pathToFileURL(file).href);
}

function migrationsFolder(): string {
  const fromRelease = import.meta.url.includes('/dist/src/');
  return join(PROJECT_ROOT, fromRelease ? 'dist/migrations' : 'migrations');
}

/** Undefined where there is no database file, and none is made. */
export async function reading<T>(
  address: DatabaseAddress,
  work: (knex: Knex) => Promise<T>,
): Promise<T | undefined> {
  const { dialect, location } = address;
  if (dialect === 'better-sqlite3' && !existsSync(location)) return undefined;
  return withKnex(address, work, false);
}

/** The file and its folder are made where they are not there. */
export async function writing<T>(
  address: DatabaseAddress,
  work: (knex: Knex) => Promise<T>,
): Promise<T> {
  if (address.dialect === 'better-sqlite3') makeFolder(dirname(address.location));
  return withKnex(address, work, true);
}

async function withKnex<T>(
  { dialect, location, timeout }: DatabaseAddress,
  work: (knex: Knex) => Promise<T>,
  isWriting: boolean,
): Promise<T> {
  const within = timeout * 1000;
  const connection =
    dialect === 'pg'
      ? { ...(await findWay(addressFrom(location), timeout)), connectionTimeoutMillis: within }
      : { filename: location };
  const knex = knexModule({
    client: dialect,
    connection: connection as Knex.StaticConnectionConfig,
    useNullAsDefault: true,
    pool: { min: 1, max: 1, afterCreate: createAfterCreate(isWriting) },
    acquireConnectionTimeout: within,
    log: { warn: () => undefined, error: () => undefined },
  });
  try {
    return await work(knex);
  } finally {
    await knex.destroy();
  }
}

type Created = { pragma?: (text: string) => void };

/**
 * SQLite's driver would block this process while another migrates: we wait outside instead. The
 * journal becomes a WAL here, where waiting for others is possible; it stays one.
 */
function createAfterCreate(isWriting: boolean) {
  return (connection: Created, done: (error: unknown, connection: Created) => void): void => {
    try {
      connection.pragma?.('busy_timeout = 50');
      if (isWriting) connection.pragma?.('journal_mode = WAL');
      done(null, connection);
    } catch (error) {
      done(error, connection);
    }
  };
}

/** Names of what is applied, the oldest first. */
export async function appliedIn(knex: Knex): Promise<string[]> {
  if (!(await knex.schema.hasTable(TABLE))) return [];
  return knex(TABLE).orderBy('id').pluck('name');
}
