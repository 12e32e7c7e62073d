// What stands in the audit, for tests to look at.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditRow } from '../../src/domain/audit/audit.ts';
import { repeatedOf } from '../../src/domain/audit/folding.ts';
import type { AuditKind } from '../../src/domain/audit/kinds.ts';
import type { Gatehouse } from './gatehouse.ts';

interface Filter {
  readonly accountId?: string;
  readonly kind?: AuditKind;
}

/** Oldest first. */
export async function auditRows(
  { core }: Pick<Gatehouse, 'core'>,
  filter: Filter = {},
): Promise<AuditRow[]> {
  return (await core.audit.newest(filter, 10_000)).reverse();
}

/** `sign_in.password ok`, `sign_in.password refused: wrong password`. */
export function said(rows: readonly AuditRow[]): string[] {
  return rows.map(({ kind, outcome, reason }) => {
    return `${kind} ${outcome}${reason === undefined ? '' : `: ${reason}`}`;
  });
}

/** A row for each time: refusals that repeat share one that says how often. */
export function eachTime(rows: readonly AuditRow[]): AuditRow[] {
  return rows.flatMap((row) => Array(repeatedOf(row)?.repeated ?? 1).fill(row) as AuditRow[]);
}

/** Once so many have been told of: a process adds up what repeats for a second. */
export async function untilTold(
  gatehouse: Pick<Gatehouse, 'core'>,
  filter: Filter,
  count: number,
): Promise<AuditRow[]> {
  for (let tries = 0; tries < 400; tries += 1) {
    const rows = eachTime(await auditRows(gatehouse, filter));
    if (rows.length >= count) return rows;
    await sleep(50);
  }
  throw new Error(`never told ${count} times`);
}

/** The whole table as text, all columns of all rows: nothing secret may be in it. */
export async function auditText({ core: { store } }: Pick<Gatehouse, 'core'>): Promise<string> {
  return JSON.stringify(await store.all(store.compile(store.sql('audit_events'))));
}
