// PostgreSQL: one transaction a unit; a connection that timed out is never used again.
import { createHash } from 'node:crypto';
import pg from 'pg';
import { GatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Row, Statement, Unit } from './statement.ts';
import { COMMITTED, type Engine, type Outcome } from './store.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly pool: number;
  /** Seconds a statement may take. */
  readonly timeout: number;
  readonly log: Log;
}

// A deadlock and a lost race for a row are the database's way of saying "again".
const AGAIN = new Set(['40001', '40P01']);
const TRIES = 5;

// Times and counts are bigint columns: well within 2^53.
const types = {
  getTypeParser: (oid: number, format?: string) =>
    oid === pg.types.builtins.INT8
      ? (text: string) => Number(text)
      : pg.types.getTypeParser(oid, format as 'text'),
};

export function openPostgres({ url, pool: max, timeout, log }: PostgresOptions): Engine {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types: types as pg.CustomTypesConfig,
    connectionTimeoutMillis: timeout * 1000,
    query_timeout: timeout * 1000,
    statement_timeout: timeout * 1000,
    idle_in_transaction_session_timeout: timeout * 1000,
    keepAlive: true,
    application_name: 'gatehouse',
  });
  reportOnce(pool, log);

  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch(fail);
    let broken: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      if (!isAnswer(error)) broken = error as Error;
      throw translate(error);
    } finally {
      client.release(broken);
    }
  };

  const commitOnce = (unit: Unit): Promise<Outcome> =>
    withClient(async (client) => {
      if (unit.length === 1) return commitSingle(client, unit);
      await client.query('BEGIN');
      try {
        const missed = await firstMissed(client, unit);
        await client.query(missed === -1 ? 'COMMIT' : 'ROLLBACK');
        return missed === -1 ? COMMITTED : { kind: 'missed', at: missed };
      } catch (error) {
        if (isAnswer(error)) await client.query('ROLLBACK');
        throw error;
      }
    });

  const commit = async (unit: Unit, tries = TRIES): Promise<Outcome> => {
    try {
      return await commitOnce(unit);
    } catch (error) {
      const again = AGAIN.has(String((error as { code?: string }).code)) && tries > 1;
      if (!again) throw error;
      return commit(unit, tries - 1);
    }
  };

  return {
    find: (statement) => withClient(async (c) => (await send(c, statement)).rows[0] as Row),
    all: (statement) => withClient(async (c) => (await send(c, statement)).rows as Row[]),
    commit: (unit) => commit(unit),
    run: (statement) => withClient(async (c) => (await send(c, statement)).rowCount ?? 0),
    close: () => pool.end(),
  };
}

/** A single statement is a transaction by itself; one that hits too few rows has hit none. */
async function commitSingle(client: pg.PoolClient, unit: Unit): Promise<Outcome> {
  return (await firstMissed(client, unit)) === -1 ? COMMITTED : { kind: 'missed', at: 0 };
}

async function firstMissed(client: pg.PoolClient, unit: Unit): Promise<number> {
  for (const [index, statement] of unit.entries()) {
    const { rowCount } = await send(client, statement);
    if (statement.rows !== undefined && rowCount !== statement.rows) return index;
  }
  return -1;
}

const names = new Map<string, string>();

function send(client: pg.PoolClient, { sql, bindings }: Statement): Promise<pg.QueryResult> {
  let name = names.get(sql);
  if (!name) {
    name = createHash('sha256').update(sql).digest('base64url').slice(0, 20);
    names.set(sql, name);
  }
  const values = bindings.map((value) => (typeof value === 'boolean' ? Number(value) : value));
  return client.query({ name, text: sql, values });
}

/** Whether the server answered: then the connection is sound, whatever the answer. */
function isAnswer(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(String((error as { code?: string }).code)) && !isFatal(error);
}

function isFatal(error: unknown): boolean {
  return ['FATAL', 'PANIC'].includes(String((error as { severity?: string }).severity));
}

function translate(error: unknown): unknown {
  const code = String((error as { code?: string }).code);
  if (code === '23505') return new GatehouseError('already_exists', { cause: error });
  if (isAnswer(error) && !/^(57|53|08)/.test(code)) return error;
  return new GatehouseError('store_unavailable', { cause: error, retryAfter: 5 });
}

function fail(error: unknown): never {
  throw translate(error);
}

/** A lost server makes every pooled connection cry out: once a minute is enough. */
function reportOnce(pool: pg.Pool, log: Log): void {
  let silent = false;
  pool.on('error', (error) => {
    if (silent) return;
    silent = true;
    setTimeout(() => {
      silent = false;
    }, 60_000).unref();
    log.warn({ err: error }, 'a database connection was lost');
  });
}
