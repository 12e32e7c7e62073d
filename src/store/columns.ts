// The columns of a table, declared once: the declaration gives the type, the row to write and the
// values of a row that was read.
import type { Row } from './statement.ts';

export type SqlValue = string | number | null;

/** One column: its name, and how its value is read and written. Reading throws on other values. */
export interface Column<T> {
  readonly name: string;
  read(value: unknown): T;
  write(value: T): SqlValue;
}

type ColumnSet = Readonly<Record<string, Column<unknown>>>;

/** What a row of these columns holds, under the names of the declaration. */
export type Values<C extends ColumnSet> = {
  readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never;
};

export interface Columns<T extends object> {
  /** @throws Error naming the column that holds something else than it declares */
  read(row: Row): T;
  /** Names only what `values` names, so that it fits an insert and an update. */
  write(values: Partial<T>): Row;
}

export function defineColumns<C extends ColumnSet>(columns: C): Columns<Values<C>> {
  const entries = Object.entries(columns);
  return {
    read: (row) => {
      const values: Row = {};
      for (const [key, column] of entries) values[key] = column.read(row[column.name]);
      // Each key of `columns` was read by its own column.
      return values as Values<C>;
    },
    write: (values) => {
      const row: Row = {};
      for (const [key, column] of entries) {
        if (key in values) row[column.name] = column.write(values[key]);
      }
      return row;
    },
  };
}

export function text(name: string): Column<string> {
  return {
    name,
    read: (value) => (typeof value === 'string' ? value : refuse(name, value)),
    write: (value) => value,
  };
}

export function integer(name: string): Column<number> {
  return {
    name,
    read: (value) => (typeof value === 'number' ? value : refuse(name, value)),
    write: (value) => value,
  };
}

/** A boolean, stored as 0 or 1. */
export function flag(name: string): Column<boolean> {
  return { name, read: (value) => value === 1, write: (value) => (value ? 1 : 0) };
}

/** One of a fixed list of words. */
export function oneOf<const T extends string>(name: string, words: readonly T[]): Column<T> {
  return {
    name,
    read: (value) => words.find((word) => word === value) ?? refuse(name, value),
    write: (value) => value,
  };
}

/** JSON of a shape that only Gatehouse writes; damaged JSON throws. */
export function json<T>(name: string): Column<T> {
  return {
    name,
    read: (value) => JSON.parse(typeof value === 'string' ? value : refuse(name, value)),
    write: (value) => JSON.stringify(value),
  };
}

/** NULL where there is no value. */
export function optional<T>(column: Column<T>): Column<T | undefined> {
  return {
    name: column.name,
    read: (value) => (value === null || value === undefined ? undefined : column.read(value)),
    write: (value) => (value === undefined ? null : column.write(value)),
  };
}

function refuse(name: string, value: unknown): never {
  throw new Error(`the column ${name} holds ${value === null ? 'NULL' : `a ${typeof value}`}`);
}
