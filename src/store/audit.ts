// What happened: one row an event, written once and never changed but for its seal.
import { defineColumns, integer, json, oneOf, optional, text } from './columns.ts';
import type { Statement } from './statement.ts';
import type { Store } from './store.ts';

const OUTCOMES = ['ok', 'refused'] as const;

const EVENT = defineColumns({
  /** Sorts by time, and by the order in which one process wrote it. */
  id: text('id'),
  time: integer('time'),
  kind: text('kind'),
  outcome: oneOf('outcome', OUTCOMES),
  reason: optional(text('reason')),
  accountId: optional(text('account_id')),
  actor: optional(text('actor')),
  clientId: optional(text('client_id')),
  address: optional(text('address')),
  userAgent: optional(text('user_agent')),
  trace: optional(text('trace')),
  /** The sign-in that the event belongs to. */
  flowId: optional(text('flow_id')),
  detail: json<Readonly<Record<string, unknown>>>('detail'),
});

export type AuditRow = ReturnType<typeof EVENT.read>;

export interface AuditFilter {
  readonly accountId?: string | undefined;
  readonly kind?: string | undefined;
  /** Any of these. */
  readonly kinds?: readonly string[] | undefined;
}

export interface AuditEventTable {
  insert(row: AuditRow): Statement;
  /** Newest first. */
  newest(filter: AuditFilter, limit: number): Promise<AuditRow[]>;
  /** Oldest first, five hundred at most. */
  ofTrace(trace: string): Promise<AuditRow[]>;
  /** Oldest first, five hundred at most. */
  ofFlow(flowId: string): Promise<AuditRow[]>;
}

const TABLE = 'audit_events';
const MANY = 500;

export const COLUMNS = [
  'id',
  'time',
  'kind',
  'outcome',
  'reason',
  'account_id',
  'actor',
  'client_id',
  'address',
  'user_agent',
  'trace',
  'flow_id',
  'detail',
] as const;

export type Columns = Record<(typeof COLUMNS)[number], unknown>;

export function createAuditEventTable(store: Store): AuditEventTable {
  const insert = store.prepare<Columns>(
    (p, sql) => sql(TABLE).insert(Object.fromEntries(COLUMNS.map((name) => [name, p[name]]))),
    1,
  );
  const of = (column: 'trace' | 'flow_id', value: string) =>
    store.compile(store.sql(TABLE).where(column, value).orderBy('id').limit(MANY));
  return {
    insert: (row) => insert(toColumns(row)),
    newest: async ({ accountId, kind, kinds }, limit) => {
      const wanted = {
        ...(accountId === undefined ? {} : { account_id: accountId }),
        ...(kind === undefined ? {} : { kind }),
      };
      const query = store.sql(TABLE).where(wanted).orderBy(newestFirst(wanted)).limit(limit);
      const narrowed = kinds === undefined ? query : query.whereIn('kind', kinds);
      return (await store.all(store.compile(narrowed))).map(parseAuditRow);
    },
    ofTrace: async (trace) => (await store.all(of('trace', trace))).map(parseAuditRow),
    ofFlow: async (flowId) => (await store.all(of('flow_id', flowId))).map(parseAuditRow),
  };
}

/** In the order of an index: `time` stands in those of accounts and kinds. */
function newestFirst(wanted: object) {
  const id = { column: 'id', order: 'desc' };
  return Object.keys(wanted).length === 0 ? [id] : [{ column: 'time', order: 'desc' }, id];
}

export function toColumns(row: AuditRow): Columns {
  return {
    id: row.id,
    time: row.time,
    kind: row.kind,
    outcome: row.outcome,
    reason: row.reason ?? null,
    account_id: row.accountId ?? null,
    actor: row.actor ?? null,
    client_id: row.clientId ?? null,
    address: row.address ?? null,
    user_agent: row.userAgent ?? null,
    trace: row.trace ?? null,
    flow_id: row.flowId ?? null,
    detail: JSON.stringify(row.detail),
  };
}

/** Reads a row that has the columns of an event. */
export const parseAuditRow = EVENT.read;
