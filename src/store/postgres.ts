// PostgreSQL: one transaction a unit; a connection that timed out is never used again.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Log } from '../lib/log.ts';
import { addressFrom } from './postgres-address.ts';
import { createBreaker } from './postgres-breaker.ts';
import {
  isLostRace,
  isSound,
  isStalePlan,
  isUnprepared,
  translatePostgres,
} from './postgres-faults.ts';
import { openPool } from './postgres-pool.ts';
import type { Row, Statement, Unit } from './statement.ts';
import { COMMITTED, type Engine, type Outcome } from './store.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly pool: number;
  /** Seconds a statement may take. */
  readonly timeout: number;
  readonly log: Log;
}

const TRIES = 8;
const LONGEST_PAUSE = 30;
const PREPARATIONS = 3;

export function openPostgres({ url, pool: max, timeout, log }: PostgresOptions): Engine {
  const address = addressFrom(url);
  const pool = openPool({ address, max, timeout, log });
  const breaker = createBreaker({ probe: pool.probe, opened: pool.renew, log });
  const names = createNames(log);
  // What a pooler does not take with the connection, each transaction says in the same breath.
  const within = timeout * 1000;
  const bounded = `BEGIN; SET LOCAL statement_timeout = ${Math.round(0.9 * within)};
    SET LOCAL idle_in_transaction_session_timeout = ${within}`;

  const withClientOnce = async <T>(work: Work<T>): Promise<T> => {
    const { client, isTerse, release } = await breaker.wait(pool.lend);
    let broken: Error | undefined;
    try {
      return await work(client, isTerse ? bounded : 'BEGIN');
    } catch (error) {
      if (!isSound(error) || isReadOnly(error)) broken = error as Error;
      throw error;
    } finally {
      release(broken);
    }
  };

  const withClient = async <T>(work: Work<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      const round = breaker.round();
      try {
        return await withClientOnce(work);
      } catch (error) {
        breaker.failed(error, round);
        if (tries >= PREPARATIONS || !names.adapt(error)) throw told(error);
      }
    }
  };

  const told = (error: unknown) => {
    const { message } = error as Error;
    (error as Error).message = address.withoutPassword(message);
    return translatePostgres(error);
  };

  const commitOnce = (unit: Unit): Promise<Outcome> =>
    withClient(async (client, begin) => {
      if (unit.length === 1) return commitSingle(client, unit, names);
      await client.query(begin);
      try {
        const missed = await firstMissed(client, unit, names);
        await client.query(missed === -1 ? 'COMMIT' : 'ROLLBACK');
        return missed === -1 ? COMMITTED : { kind: 'conflict', at: missed };
      } catch (error) {
        if (isSound(error)) await client.query('ROLLBACK');
        throw error;
      }
    });

  const commit = async (unit: Unit, tries = TRIES): Promise<Outcome> => {
    try {
      return await commitOnce(unit);
    } catch (error) {
      const { cause } = error as Error;
      if (!isLostRace(cause) || tries <= 1) throw error;
      await sleep(Math.random() * LONGEST_PAUSE);
      return commit(unit, tries - 1);
    }
  };

  const all = (statement: Statement) =>
    withClient(async (client) => (await send(client, statement, names)).rows as Row[]);
  return {
    find: async (statement) => (await all(statement))[0],
    all,
    commit: (unit) => commit(unit),
    run: (statement) => withClient(async (c) => (await send(c, statement, names)).rowCount ?? 0),
    examine: async (statements) => {
      for (const statement of statements) await all(statement);
    },
    close: () => {
      breaker.end();
      return pool.end();
    },
  };
}

/** @param begin what starts a transaction */
type Work<T> = (client: pg.PoolClient, begin: string) => Promise<T>;

/** Another host may take the writes. */
function isReadOnly(error: unknown): boolean {
  return (error as { code?: unknown }).code === '25006';
}

/** A single statement is a transaction by itself; one that hits too few rows has hit none. */
async function commitSingle(client: pg.PoolClient, unit: Unit, names: Names): Promise<Outcome> {
  return (await firstMissed(client, unit, names)) === -1 ? COMMITTED : { kind: 'conflict', at: 0 };
}

async function firstMissed(client: pg.PoolClient, unit: Unit, names: Names): Promise<number> {
  for (const [index, statement] of unit.entries()) {
    const { rowCount } = await send(client, statement, names);
    if (statement.expectRows !== undefined && rowCount !== statement.expectRows) return index;
  }
  return -1;
}

/** A name for each statement: prepared once by the server, on each of its connections. */
interface Names {
  of(sql: string): string | undefined;
  /** @returns whether the statement that failed is worth another try */
  adapt(error: unknown): boolean;
}

function createNames(log: Log): Names {
  const known = new Map<string, string>();
  let round = 0;
  let areKept = true;
  const make = (sql: string) =>
    createHash('sha256').update(`${round} ${sql}`).digest('base64url').slice(0, 20);
  return {
    of: (sql) => {
      if (!areKept) return undefined;
      const name = known.get(sql) ?? make(sql);
      known.set(sql, name);
      return name;
    },
    adapt: (error) => {
      if (isStalePlan(error)) {
        // After a migration: behind a pooler every connection to the server has the old plan.
        round += 1;
        known.clear();
        return true;
      }
      if (!isUnprepared(error)) return false;
      if (areKept) log.warn(WITHOUT_NAMES);
      areKept = false;
      return true;
    },
  };
}

const WITHOUT_NAMES =
  'the pooler before PostgreSQL keeps no prepared statements: each is sent whole. PgBouncer 1.21 and newer keeps them with max_prepared_statements';

function send(
  client: pg.PoolClient,
  { sql, bindings }: Statement,
  names: Names,
): Promise<pg.QueryResult> {
  const name = names.of(sql);
  const values = bindings.map((value) => (typeof value === 'boolean' ? Number(value) : value));
  return client.query({ ...(name === undefined ? {} : { name }), text: sql, values });
}
