// What stands in the audit, for tests to look at.
import type { AuditRow } from '../../src/domain/audit/audit.ts';
import type { AuditKind } from '../../src/domain/audit/kinds.ts';
import type { Gatehouse } from './gatehouse.ts';

interface Filter {
  readonly accountId?: string;
  readonly kind?: AuditKind;
}

/** Oldest first. */
export async function auditRows(
  { house }: Pick<Gatehouse, 'house'>,
  filter: Filter = {},
): Promise<AuditRow[]> {
  return (await house.audit.newest(filter, 10_000)).reverse();
}

/** `sign_in.password ok`, `sign_in.password refused: wrong password`. */
export function said(rows: readonly AuditRow[]): string[] {
  return rows.map(({ kind, outcome, reason }) => {
    return `${kind} ${outcome}${reason === undefined ? '' : `: ${reason}`}`;
  });
}

/** The whole table as text, all columns of all rows: nothing secret may be in it. */
export async function auditText({ house: { store } }: Pick<Gatehouse, 'house'>): Promise<string> {
  return JSON.stringify(await store.all(store.compile(store.sql('audit_events'))));
}
