// The one condition under which anything made for a person still counts.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

/**
 * SQL: the row belongs to nobody, or to an account that is not suspended and still of the row's
 * generation. A subselect, because SQLite plans a join anew at each use of the statement.
 */
export function accountIsCurrent(row: string): string {
  const generation = `select a.generation from accounts a
    where a.id = ${row}.account_id and a.status <> 'suspended'`;
  return `(${row}.account_id is null or (${generation}) = ${row}.generation)`;
}

export interface AccountVersion {
  readonly id: string;
  readonly generation: number;
}

/**
 * Inserts a row, or none where there is no such account, of this generation and not suspended. The
 * same statement either way: how long it takes does not tell whether there is one.
 */
export function insertIfCurrent(
  store: Store,
  { id, generation }: AccountVersion,
  table: string,
  row: Row,
): Statement {
  const columns = Object.keys(row);
  const values = columns.map(() => '?').join(', ');
  const text = `insert into ?? (${columns.map(() => '??').join(', ')})
    select ${values} where exists (select 1 from accounts
    where id = ? and generation = ? and status <> 'suspended')`;
  const bindings = [table, ...columns, ...Object.values(row), id, generation];
  return store.compile(store.sql.raw(text, bindings as never[]));
}
