// The one condition under which anything made for a person still counts.

/**
 * SQL: the row belongs to nobody, or to an account that is not suspended and still of the row's
 * generation. A subselect, because SQLite plans a join anew at each use of the statement.
 */
export function ofLivingAccount(row: string): string {
  const generation = `select a.generation from accounts a
    where a.id = ${row}.account_id and a.status <> 'suspended'`;
  return `(${row}.account_id is null or (${generation}) = ${row}.generation)`;
}
