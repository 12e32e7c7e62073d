// What both databases offer to the rest: reading, and units of work.
import { GatehouseError } from '../lib/errors.ts';
import type { Builder, Dialect, Row, Statement, Unit } from './statement.ts';

/** `missed`: statement number `at` did not hit the rows it must, so nothing of the unit happened. */
export type Outcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'conflict'; readonly at: number };

export const COMMITTED: Outcome = { kind: 'committed' };

export interface Store extends Builder {
  readonly dialect: Dialect;
  find(statement: Statement): Promise<Row | undefined>;
  all(statement: Statement): Promise<Row[]>;
  /** All statements or none; settles after the commit is durable. */
  commit(unit: Unit): Promise<Outcome>;
  /** As commit. @returns whether the unit happened */
  tryCommit(unit: Unit): Promise<boolean>;
  /** As commit; a missed statement throws `store_conflict`. */
  write(...unit: Statement[]): Promise<void>;
  /** One statement outside a unit; how many rows it changed. For cleaning up. */
  run(statement: Statement): Promise<number>;
  /**
   * Rejects where the database is not the one that was opened, is known to be damaged, or cannot
   * answer these questions from what lies on its disk.
   */
  examine(statements: readonly Statement[]): Promise<void>;
  close(): Promise<void>;
}

export type Engine = Pick<Store, 'find' | 'all' | 'commit' | 'run' | 'examine' | 'close'>;

export function createStore(dialect: Dialect, builder: Builder, engine: Engine): Store {
  const store: Store = {
    dialect,
    ...builder,
    ...engine,
    tryCommit: async (unit) => (await store.commit(unit)).kind === 'committed',
    write: async (...unit) => {
      const { kind } = await engine.commit(unit);
      if (kind === 'conflict') throw new GatehouseError('store_conflict');
    },
  };
  return store;
}
