// Counters of attempts that failed: one row each, moved only by the statement that checks it.
import type { Knex } from 'knex';
import { defineColumns, integer, optional, text } from './columns.ts';
import type { Dialect, Row, Statement, Unit } from './statement.ts';
import type { Store } from './store.ts';

const COLUMNS = defineColumns({
  key: text('key'),
  /** Failures since `startedAt`, attempts in flight included. */
  failures: integer('failures'),
  /** How many of them are in flight: reserved, and neither failed nor given back yet. */
  pending: integer('pending'),
  startedAt: integer('started_at'),
  /** When the newest attempt was reserved. */
  lastAt: integer('last_at'),
  pausedUntil: integer('paused_until'),
});
const RULE = defineColumns({ rule: optional(text('rule')) });

export type Counter = Omit<ReturnType<typeof COLUMNS.read>, 'key'>;

export interface SubjectCounter extends Counter {
  /** Undefined for those that were counted last by a release that did not write it down. */
  readonly rule: string | undefined;
}

/** How one attempt is counted. Times are in milliseconds. */
export interface Count {
  readonly key: string;
  readonly rule: string;
  /** Whose counter it is, for those that {@link Counters.deleteOf} clears. */
  readonly subject: string | undefined;
  readonly at: number;
  /** Refused from so many failures on. */
  readonly limit: number;
  /** Key of a counter of which this one is a share: begins anew with it. */
  readonly shareOf: string;
  /** Half of a pause is enough, unless it is the longest. */
  readonly isEarly: boolean;
  /** A count that started, or was last moved, until then begins anew. */
  readonly startedUntil: number;
  readonly lastUntil: number;
  /** Attempts in flight that were reserved until then will never be settled: they count no more. */
  readonly lostUntil: number;
  /** Whether a pause stands all the same. */
  readonly isPace: boolean;
  /** A pause, or a count, that was moved after that is of a clock which has been set back since. */
  readonly pauseVoidFrom: number;
  readonly countVoidFrom: number;
  readonly pause: Pause;
  readonly expiresAt: number;
}

/** The failure `after`, and each `every` further ones, begin a pause. */
export interface Pause {
  readonly after: number;
  readonly every: number;
  readonly first: number;
  /** With so many further failures it is twice as long. */
  readonly step: number;
  readonly longest: number;
  /** After so many doublings it is `longest`. */
  readonly doublings: number;
}

/** What the next window begins with, once one has seen `from` failures. */
export interface Carry {
  readonly key: string;
  readonly at: number;
  readonly from: number;
  /** So much of the past counts at most. */
  readonly most: number;
  readonly window: number;
}

export interface CounterTable {
  /** Seven at most. */
  find(keys: readonly string[]): Promise<Map<string, Counter>>;
  ofSubject(subject: string): Promise<SubjectCounter[]>;
  /** Must hit: neither paused nor full. */
  reserve(count: Count): Statement;
  /**
   * Where a window is over that had come to `from`: the next one takes along what was counted, less
   * what the old one, and each one since, has left of its `from`.
   */
  carryOver(carry: Carry): Statement;
  /** What a share has counted, and nothing that is in flight, is taken back from the whole. */
  takeBack(share: string, whole: string): Unit;
  /** What was reserved `at` has failed. */
  fail(key: string, at: number): Statement;
  /** What was reserved `at` is taken back. */
  giveBack(key: string, at: number): Statement;
  /** Must hit: nobody has told yet that it is closed until then. */
  claim(key: string, until: number): Statement;
  delete(key: string): Statement;
  deleteOf(subject: string): Statement;
}

const TABLE = 'limit_counters';
const AT_ONCE = 7;

type Filled = ReturnType<typeof fill>;
type Params = { readonly [K in keyof Filled]: never };

export function createCounterTable(store: Store): CounterTable {
  const find = store.prepare<Record<string, string>>((p, sql) =>
    sql(TABLE).whereIn('key', slots().map((slot) => p[slot]) as never),
  );
  const reserve = store.prepare<Filled>((p, sql) => reservation(p, sql), 1);
  // A count that has begun anew meanwhile knows nothing of the attempt.
  const ofSameCount = (p: { key: never; at: never }, sql: Knex) =>
    sql(TABLE).where({ key: p.key }).where('started_at', '<=', p.at);
  const oneLess = (sql: Knex) => sql.raw('case when pending > 0 then pending - 1 else 0 end');
  const fail = store.prepare<{ key: string; at: number }>((p, sql) =>
    ofSameCount(p, sql).update({ pending: oneLess(sql) }),
  );
  // A pause that a later attempt has begun stands.
  const ownPause = (p: { at: never }, sql: Knex) =>
    sql.raw('case when last_at <= ? then 0 else paused_until end', [p.at]);
  const giveBack = store.prepare<{ key: string; at: number }>((p, sql) =>
    ofSameCount(p, sql)
      .where('failures', '>', 0)
      .update({
        failures: sql.raw('failures - 1'),
        pending: oneLess(sql),
        paused_until: ownPause(p, sql),
      }),
  );
  const carryOver = store.prepare<Carry>((p, sql) => carrying(p, sql, store.dialect));
  const settleShare = store.prepare<{ key: string }>((p, sql) =>
    sql(TABLE)
      .where({ key: p.key })
      .update({ returned: sql.raw('failures - pending'), failures: sql.raw('pending') }),
  );
  const subtract = store.prepare<{ share: string; whole: string }>((p, sql) => lessShare(p, sql));
  const claim = store.prepare<{ key: string; until: number }>(
    (p, sql) =>
      sql(TABLE)
        .where({ key: p.key })
        .whereNot({ told_until: p.until })
        .update({ told_until: p.until }),
    1,
  );
  const remove = store.prepare<{ key: string }>((p, sql) => sql(TABLE).where({ key: p.key }).del());
  const ofSubject = (subject: string) => store.sql(TABLE).where({ subject });
  return {
    find: async (keys) => {
      const values = Object.fromEntries(slots().map((slot, i) => [slot, keys[i] ?? '']));
      return new Map((await store.all(find(values))).map(parse));
    },
    ofSubject: async (subject) =>
      (await store.all(store.compile(ofSubject(subject)))).map((row) => ({
        ...parse(row)[1],
        ...RULE.read(row),
      })),
    reserve: (count) => reserve(fill(count)),
    carryOver: (carry) => carryOver(carry),
    // The share first: whoever holds its row says what is taken back, and says it once.
    takeBack: (share, whole) => [settleShare({ key: share }), subtract({ share, whole })],
    fail: (key, at) => fail({ key, at }),
    giveBack: (key, at) => giveBack({ key, at }),
    claim: (key, until) => claim({ key, until }),
    delete: (key) => remove({ key }),
    deleteOf: (subject) => store.compile(ofSubject(subject).del()),
  };
}

const slots = () => Array.from({ length: AT_ONCE }, (_, i) => `key${i}`);

function fill({ pause, subject, isEarly, isPace, ...count }: Count) {
  const flags = { isEarly: Number(isEarly), isPace: Number(isPace) };
  return { ...count, ...pause, ...flags, subject: subject ?? null };
}

/** The check and the move in one: where the condition does not hold, no row is changed. */
function reservation(p: Params, sql: Knex): Knex.QueryBuilder {
  const first = { failures: 1, pending: 1, started_at: p.at, last_at: p.at, paused_until: 0 };
  const lost = [p.lostUntil];
  const anew = `(c.started_at <= ? or c.last_at <= ? or c.last_at > ? or ${FAILURES} = 0
    or ${WHOLE_IS_NEWER})`;
  const until = [p.startedUntil, p.lastUntil, p.countVoidFrom];
  const isAnew = [...until, ...lost, p.shareOf, p.startedUntil];
  const raw = (text: string, values: readonly unknown[]) =>
    sql.raw(text.replace(/\bc\./g, `${TABLE}.`), values as never[]);
  return sql(TABLE)
    .insert({ key: p.key, rule: p.rule, subject: p.subject, ...first, expires_at: p.expiresAt })
    .onConflict('key')
    .merge({
      rule: raw('excluded.rule', []),
      failures: raw(`case when ${anew} then 1 else ${FAILURES} + 1 end`, [...isAnew, ...lost]),
      pending: raw(`case when ${anew} or ${IS_LOST} then 1 else c.pending + 1 end`, [
        ...isAnew,
        ...lost,
      ]),
      // Attempts side by side need not arrive in the order of their times: each is of this count.
      started_at: raw(
        `case when ${anew} or c.started_at > excluded.started_at
         then excluded.started_at else c.started_at end`,
        isAnew,
      ),
      last_at: raw('excluded.last_at', []),
      paused_until: raw(`case when ${anew} then 0 else ${PAUSED_UNTIL} end`, [
        ...isAnew,
        ...pauseValues(p),
      ]),
      expires_at: raw('excluded.expires_at', []),
    })
    .whereRaw(raw(PAUSE_IS_OVER, [p.isEarly, p.longest, p.pauseVoidFrom, p.isPace, ...lost]))
    .whereRaw(raw(`(${anew} or ${FAILURES} < ?)`, [...isAnew, ...lost, p.limit]));
}

const IS_LOST = '(c.pending > 0 and c.last_at <= ?)';
/** Without those of processes that were killed. */
const FAILURES = `(case when ${IS_LOST} then c.failures - c.pending else c.failures end)`;

const PAUSE_IS_OVER = `(c.paused_until <= excluded.last_at or (? = 1
  and c.paused_until - c.last_at < ? and c.paused_until + c.last_at <= 2 * excluded.last_at)
  or c.last_at > ? or (? = 0 and ${IS_LOST}))`;

// It has begun anew since, or is about to.
const WHOLE_IS_NEWER = `exists (select 1 from ${TABLE} as n
  where n.key = ? and (n.started_at > c.started_at or n.started_at <= ?))`;

function carrying(
  p: { readonly [K in keyof Carry]: never },
  sql: Knex,
  dialect: Dialect,
): Knex.QueryBuilder {
  const [least, greatest] = dialect === 'pg' ? ['least', 'greatest'] : ['min', 'max'];
  const kept = sql.raw(
    `${greatest}(0, ${least}(failures, ?) - ${greatest}(0, ? - (failures - carried))
      - (cast((cast(? as bigint) - started_at) / cast(? as bigint) as integer) - 1) * ?)`,
    [p.most, p.from, p.at, p.window, p.from] as never[],
  );
  return sql(TABLE)
    .where({ key: p.key })
    .whereRaw('started_at <= cast(? as bigint) - cast(? as bigint)', [p.at, p.window])
    .where('failures', '>=', p.from)
    .update({ failures: kept, carried: kept, pending: 0, started_at: p.at });
}

/** Nothing where the whole has begun anew since: the share is no part of it. */
function lessShare(p: { share: never; whole: never }, sql: Knex): Knex.QueryBuilder {
  const share = () => sql(`${TABLE} as s`).where('s.key', p.share);
  return sql(TABLE)
    .where({ key: p.whole })
    .whereExists(
      share()
        .whereRaw(`s.started_at >= ${TABLE}.started_at`)
        .whereRaw(`s.returned <= ${TABLE}.failures`)
        .select(sql.raw('1')),
    )
    .update({ failures: sql.raw('failures - (?)', [share().select('s.returned')]) });
}

// How many failures beyond the one that begins the first pause.
const BEYOND = `(${FAILURES} + 1 - ?)`;

const PAUSED_UNTIL = `case when ${BEYOND} < 0 or ${BEYOND} % ? <> 0 then 0
  when ${BEYOND} / ? >= ? then excluded.last_at + ?
  else excluded.last_at + (cast(? as bigint) << cast(${BEYOND} / ? as integer)) end`;

function pauseValues(p: Params): unknown[] {
  const beyond = [p.lostUntil, p.after];
  const { every, step, first, longest, doublings } = p;
  return [
    ...[...beyond, ...beyond, every],
    ...[...beyond, step, doublings, longest],
    ...[first, ...beyond, step],
  ];
}

function parse(row: Row): [string, Counter] {
  const { key, ...counter } = COLUMNS.read(row);
  return [key, counter];
}
