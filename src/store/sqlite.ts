// SQLite: all units of one turn of the event loop in one durable transaction.
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { now } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { makeFolder } from '../lib/folders.ts';
import type { Log } from '../lib/log.ts';
import { isBusy, isDamage, RESTORE, translateSqlite, unavailable } from './sqlite-faults.ts';
import { type WatchedFile, watchFile } from './sqlite-file.ts';
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
const LOOK_EVERY = 500;

export interface SqliteOptions {
  readonly file: string;
  readonly log: Log;
  /** Whether a file that is not there is made. */
  readonly isMade?: boolean;
}

export function openSqlite({ file, log, isMade = true }: SqliteOptions): Engine {
  const database = openFile(file, isMade);
  const guard = guardFile(file, log);
  const translate = (error: unknown) => {
    guard.note(error);
    return translateSqlite(error);
  };
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
      const missed = unit.findIndex((s) => isConflict(s, count(s)));
      if (missed === -1) return COMMITTED;
      statementFor('ROLLBACK TO unit').run();
      return { kind: 'conflict', at: missed };
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
      // As late as can be: what goes into a file that is no longer there is never acknowledged.
      guard.assertOurs();
      statementFor('COMMIT').run();
      for (const done of settle) done();
    } catch (error) {
      rollBack();
      for (const { reject } of units) reject(translate(error));
    }
  };

  const rollBack = () => {
    try {
      if (database.inTransaction) statementFor('ROLLBACK').run();
    } catch (error) {
      guard.note(error);
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
      guard.assertTrusted();
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
    run: (statement) =>
      read(() => {
        guard.assertOurs();
        return count(statement);
      }),
    examine: (statements) =>
      read(() => {
        guard.assertOurs();
        guard.assertWhole();
        readAnew(file, statements);
      }),
    close: async () => {
      guard.end();
      if (queue.length > 0) flush();
      prepared.clear();
      database.close();
    },
  };
}

function openFile(file: string, isMade: boolean): Database.Database {
  if (isMade) makeFolder(dirname(file));
  // Nobody is being served yet: here it may wait until other processes have started.
  const database = new Database(file, { timeout: GIVE_UP_AFTER, fileMustExist: !isMade });
  if (isMade) database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma(`busy_timeout = ${BUSY_TIMEOUT}`);
  return database;
}

/** Through a connection of its own: what this process keeps in memory would look whole for ever. */
function readAnew(file: string, statements: readonly Statement[]): void {
  const fresh = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT });
  try {
    for (const { sql, bindings } of statements) fresh.prepare(sql).all(...bindings);
  } finally {
    fresh.close();
  }
}

interface FileGuard {
  /** Looks: throws where the file is no longer the one that was opened. */
  assertOurs(): void;
  /** As the last look has found it. */
  assertTrusted(): void;
  /** Throws where something in it could not be read. */
  assertWhole(): void;
  note(error: unknown): void;
  end(): void;
}

function guardFile(file: string, log: Log): FileGuard {
  const watched: WatchedFile = watchFile(file);
  let happened: string | undefined;
  let damage: unknown;
  const look = () => {
    const before = happened;
    happened = watched.whatHappened();
    if (happened === before) return;
    if (happened === undefined) log.warn('the database file is where it was');
    else log.fatal(`${happened}: nothing is read or written any more. ${RESTORE}`);
  };
  const assertTrusted = () => {
    if (happened !== undefined) throw unavailable(new Error(happened));
  };
  const timer = setInterval(look, LOOK_EVERY);
  timer.unref();
  return {
    assertOurs: () => {
      look();
      assertTrusted();
    },
    assertTrusted,
    assertWhole: () => {
      if (damage !== undefined) throw damage;
    },
    note: (error) => {
      if (!isDamage(error) || damage !== undefined) return;
      damage = error;
      log.fatal({ err: error }, `the database file is damaged. ${RESTORE}`);
    },
    end: () => clearInterval(timer),
  };
}

function isConflict({ expectRows }: Statement, count: number): boolean {
  return expectRows !== undefined && expectRows !== count;
}

/** better-sqlite3 takes no booleans and no undefined. */
function toSqlite(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === undefined ? null : value;
}
