// SQLite: all units of one turn of the event loop in one durable transaction.
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { now } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { makeFolder } from '../lib/folders.ts';
import type { Row, Statement, Unit } from './statement.ts';
import { COMMITTED, type Engine, type Outcome } from './store.ts';

interface Waiting {
  readonly unit: Unit;
  readonly since: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

// The driver blocks the event loop while it waits for a lock, so it waits little and we retry.
const BUSY_TIMEOUT = 50;
const RETRY_AFTER = 20;
const GIVE_UP_AFTER = 5_000;

export function openSqlite(file: string): Engine {
  const database = openFile(file);
  const prepared = new Map<string, Database.Statement>();
  let queue: Waiting[] = [];
  let scheduled = false;

  const statementFor = (text: string) => {
    let statement = prepared.get(text);
    if (!statement) {
      statement = database.prepare(text);
      prepared.set(text, statement);
    }
    return statement;
  };

  const count = ({ sql, bindings }: Statement): number => {
    const statement = statementFor(sql);
    const values = bindings.map(toSqlite);
    return statement.reader ? statement.all(...values).length : statement.run(...values).changes;
  };

  const apply = (unit: Unit): Outcome => {
    // A full disk rolls the whole transaction back: nothing more may be done outside of one.
    if (!database.inTransaction) throw new GatehouseError('store_unavailable');
    statementFor('SAVEPOINT unit').run();
    try {
      const missed = unit.findIndex((s) => misses(s, count(s)));
      if (missed === -1) return COMMITTED;
      statementFor('ROLLBACK TO unit').run();
      return { kind: 'missed', at: missed };
    } catch (error) {
      if (database.inTransaction) statementFor('ROLLBACK TO unit').run();
      throw error;
    } finally {
      if (database.inTransaction) statementFor('RELEASE unit').run();
    }
  };

  const applyAll = (units: readonly Waiting[]): Array<() => void> =>
    units.map(({ unit, resolve, reject }) => {
      try {
        const outcome = apply(unit);
        return () => resolve(outcome);
      } catch (error) {
        return () => reject(translate(error));
      }
    });

  const flush = () => {
    scheduled = false;
    const units = queue;
    queue = [];
    try {
      statementFor('BEGIN IMMEDIATE').run();
    } catch (error) {
      postpone(units, error);
      return;
    }
    try {
      const settle = applyAll(units);
      statementFor('COMMIT').run();
      for (const done of settle) done();
    } catch (error) {
      if (database.inTransaction) statementFor('ROLLBACK').run();
      for (const { reject } of units) reject(translate(error));
    }
  };

  const schedule = (delay?: number) => {
    if (scheduled) return;
    scheduled = true;
    if (delay === undefined) setImmediate(flush);
    else setTimeout(flush, delay);
  };

  const postpone = (units: readonly Waiting[], error: unknown) => {
    const patient = isBusy(error) ? units.filter((u) => now() - u.since < GIVE_UP_AFTER) : [];
    for (const waiting of units) {
      if (!patient.includes(waiting)) waiting.reject(translate(error));
    }
    queue = [...patient, ...queue];
    if (queue.length > 0) schedule(RETRY_AFTER);
  };

  const read = <T>(work: () => T): Promise<T> => {
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(translate(error));
    }
  };

  const commit = (unit: Unit) =>
    new Promise<Outcome>((resolve, reject) => {
      queue.push({ unit, since: now(), resolve, reject });
      schedule();
    });

  return {
    find: ({ sql, bindings }) =>
      read(() => statementFor(sql).get(...bindings.map(toSqlite)) as Row | undefined),
    all: ({ sql, bindings }) =>
      read(() => statementFor(sql).all(...bindings.map(toSqlite)) as Row[]),
    commit,
    run: (statement) => read(() => count(statement)),
    close: async () => {
      if (queue.length > 0) flush();
      prepared.clear();
      database.close();
    },
  };
}

function openFile(file: string): Database.Database {
  makeFolder(dirname(file));
  // Nobody is being served yet: here it may wait until other processes have started.
  const database = new Database(file, { timeout: GIVE_UP_AFTER });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma(`busy_timeout = ${BUSY_TIMEOUT}`);
  return database;
}

function misses({ rows }: Statement, count: number): boolean {
  return rows !== undefined && rows !== count;
}

/** better-sqlite3 takes no booleans and no undefined. */
function toSqlite(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === undefined ? null : value;
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: string }).code));
}

function translate(error: unknown): unknown {
  const code = String((error as { code?: string }).code);
  if (/^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(code)) {
    return new GatehouseError('already_exists', { cause: error });
  }
  const passing = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY)/.test(code);
  return passing ? new GatehouseError('store_unavailable', { cause: error, retryAfter: 5 }) : error;
}
