// Running counts of refusals that repeat: one row each until its window ends.
import type { Knex } from 'knex';
import { type AuditRow, COLUMNS, type Columns, parseAuditRow, toColumns } from './audit.ts';
import { defineColumns, integer, text } from './columns.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

/** `row` is that of the newest refusal, under the id of the event that was written for the first. */
export interface AuditCount {
  readonly key: string;
  readonly count: number;
  readonly firstAt: number;
  readonly closesAt: number;
  readonly row: AuditRow;
}

const COUNTS = defineColumns({
  key: text('key'),
  count: integer('count'),
  firstAt: integer('first_at'),
  closesAt: integer('closes_at'),
});

export interface AuditCountTable {
  /**
   * Adds to a count, or begins it: then its first event is written, too. Two statements of one
   * unit; whatever process begins a count writes the only event.
   */
  add(count: AuditCount, first: AuditRow): readonly Statement[];
  /** Those whose windows have ended, the longest ago first. */
  due(closesUntil: number, limit: number): Promise<AuditCount[]>;
  /** Fails the unit unless the count still stands as it was read. */
  close(count: Pick<AuditCount, 'key' | 'count'>): Statement;
  /** Counts above one that are still running, newest first. */
  running(filter: CountFilter, limit: number): Promise<AuditCount[]>;
}

export interface CountFilter {
  readonly accountId?: string | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly trace?: string | undefined;
  readonly flowId?: string | undefined;
}

const TABLE = 'audit_counts';
const EVENTS = 'audit_events';

/** Replaced by each refusal. */
const NEWEST = ['last_at', 'actor', 'address', 'user_agent', 'trace'] as const;

type CountColumns = Omit<Columns, 'id' | 'time'> & {
  readonly key: unknown;
  readonly event_id: unknown;
  readonly count: unknown;
  readonly first_at: unknown;
  readonly last_at: unknown;
  readonly closes_at: unknown;
};

type Placeholders<T> = { readonly [K in keyof T]: never };

export function createAuditCountTable(store: Store): AuditCountTable {
  const add = store.prepare<CountColumns>((p, sql) => addition(p, sql), 1);
  const open = store.prepare<Columns & { key: string }>((p, sql) => firstEvent(p, sql));
  const close = store.prepare<{ key: string; count: number }>(
    (p, sql) => sql(TABLE).where({ key: p.key, count: p.count }).del(),
    1,
  );
  return {
    add: (count, first) => [add(toCount(count)), open({ ...toColumns(first), key: count.key })],
    due: async (until, limit) => {
      const query = store.sql(TABLE).where('closes_at', '<=', until).orderBy('closes_at');
      return (await store.all(store.compile(query.limit(limit)))).map(parse);
    },
    close: ({ key, count }) => close({ key, count }),
    running: async ({ accountId, kinds, trace, flowId }, limit) => {
      const wanted = { account_id: accountId, trace, flow_id: flowId };
      const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
      const query = store
        .sql(TABLE)
        .where(Object.fromEntries(given))
        .where('count', '>', 1)
        .orderBy('last_at', 'desc')
        .limit(limit);
      const narrowed = kinds === undefined ? query : query.whereIn('kind', kinds);
      return (await store.all(store.compile(narrowed))).map(parse);
    },
  };
}

function addition(p: Placeholders<CountColumns>, sql: Knex): Knex.QueryBuilder {
  const names = Object.keys(COUNT_COLUMNS) as Array<keyof CountColumns>;
  const newest = NEWEST.map((name) => [name, sql.raw(`excluded.${name}`)]);
  return sql(TABLE)
    .insert(Object.fromEntries(names.map((name) => [name, p[name]])))
    .onConflict('key')
    .merge({
      count: sql.raw(`${TABLE}.count + excluded.count`),
      ...Object.fromEntries(newest),
    });
}

/** Only where the count names this very event has it begun with it. */
function firstEvent(p: Placeholders<Columns & { key: string }>, sql: Knex): Knex.Raw {
  const values = COLUMNS.map((name) => `cast(? as ${name === 'time' ? 'bigint' : 'text'})`);
  const isFirst = `exists (select 1 from ${TABLE} where key = ? and event_id = ?)`;
  return sql.raw(
    `insert into ${EVENTS} (${COLUMNS.join(', ')}) select ${values.join(', ')} where ${isFirst}`,
    [...COLUMNS.map((name) => p[name]), p.key, p.id],
  );
}

const COUNT_COLUMNS: Record<keyof CountColumns, true> = {
  key: true,
  event_id: true,
  count: true,
  first_at: true,
  last_at: true,
  closes_at: true,
  kind: true,
  outcome: true,
  reason: true,
  account_id: true,
  actor: true,
  client_id: true,
  address: true,
  user_agent: true,
  trace: true,
  flow_id: true,
  detail: true,
};

function toCount({ key, count, firstAt, closesAt, row }: AuditCount): CountColumns {
  const { id, time, ...rest } = toColumns(row);
  const times = { first_at: firstAt, last_at: time, closes_at: closesAt };
  return { ...rest, key, event_id: id, count, ...times };
}

function parse(row: Row): AuditCount {
  const newest = parseAuditRow({ ...row, id: row.event_id, time: row.last_at });
  return { ...COUNTS.read(row), row: newest };
}
