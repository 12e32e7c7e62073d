// PostgreSQL: one transaction a unit; a connection that timed out is never used again.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
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
const TRIES = 8;
const LONGEST_PAUSE = 30;

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

  const withClientOnce = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      if (!isSound(error)) broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  };

  // After a migration each connection's prepared statements are refused once.
  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    for (let connections = 0; ; connections += 1) {
      try {
        return await withClientOnce(work);
      } catch (error) {
        if (!isStalePlan(error) || connections >= max) throw translate(error);
      }
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
        if (isSound(error)) await client.query('ROLLBACK');
        throw error;
      }
    });

  const commit = async (unit: Unit, tries = TRIES): Promise<Outcome> => {
    try {
      return await commitOnce(unit);
    } catch (error) {
      if (!AGAIN.has(String((error as { code?: string }).code))) throw error;
      if (tries <= 1) throw unavailable(error);
      await sleep(Math.random() * LONGEST_PAUSE);
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

function isStalePlan(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '0A000';
}

/** Whether the server answered and the connection can serve on. */
function isSound(error: unknown): boolean {
  const isFatal = (each: pg.DatabaseError) => ['FATAL', 'PANIC'].includes(each.severity ?? '');
  return error instanceof pg.DatabaseError && !isFatal(error) && !isStalePlan(error);
}

function translate(error: unknown): unknown {
  const code = String((error as { code?: string }).code);
  if (code === '23505') return new GatehouseError('already_exists', { cause: error });
  return isSound(error) && !/^(57|53|08)/.test(code) ? error : unavailable(error);
}

function unavailable(cause: unknown): GatehouseError {
  return new GatehouseError('store_unavailable', { cause, retryAfter: 5 });
}

/** A lost server makes every pooled connection cry out: once a minute is enough. */
function reportOnce(pool: pg.Pool, log: Log): void {
  let silent = false;
  // While a client is lent out the pool does not listen: unheard, its error would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  pool.on('error', (error) => {
    if (silent) return;
    silent = true;
    setTimeout(() => {
      silent = false;
    }, 60_000).unref();
    log.warn({ err: error }, 'a database connection was lost');
  });
}
