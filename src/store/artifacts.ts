// What oidc-provider keeps: grants, codes, tokens, interactions, device codes, pushed requests.
import { defineColumns, integer, json, optional, text } from './columns.ts';
import { accountIsCurrent } from './current-account.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface Artifact {
  readonly model: string;
  /** Keyed hash of the value that only its holder knows. */
  readonly key: string;
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly grantKey?: string | undefined;
  readonly userCodeKey?: string | undefined;
  /** Inherited from the session that it comes from; undefined without an account. */
  readonly generation?: number | undefined;
  /** Keyed hash of the cookie of the browser that it belongs to. */
  readonly browserKey?: string | undefined;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly expiresAt: number;
  /** The counter of open requests that it stands in. */
  readonly countedKey?: string | undefined;
}

const FOUND = defineColumns({
  payload: json<Record<string, unknown>>('payload'),
  /** When it was spent, or given up. */
  consumedAt: optional(integer('consumed_at')),
  browserKey: optional(text('browser_key')),
  generation: optional(integer('generation')),
});
/** Where and when it was counted as an open request. */
const COUNTED = defineColumns({ key: optional(text('counted_key')), at: integer('created_at') });

export type FoundArtifact = ReturnType<typeof FOUND.read> & {
  readonly counted: Counted | undefined;
};

export interface Counted {
  readonly key: string;
  readonly at: number;
}

export interface ArtifactTable {
  /** Nothing for one whose account is gone or has moved on to another generation. */
  find(model: string, key: string): Promise<FoundArtifact | undefined>;
  findByUserCode(model: string, userCodeKey: string): Promise<FoundArtifact | undefined>;
  /**
   * Inserts, or replaces payload and expiry; account and generation stay as first written. Must
   * hit: a row of one account is never changed for another.
   */
  put(artifact: Artifact, at: number): Statement;
  /** Must hit: a row that is there and not given up gets another payload. */
  replacePayload(model: string, key: string, payload: Record<string, unknown>): Statement;
  /** Must hit: as `replacePayload`, and it may be answered again. */
  ask(model: string, key: string, payload: Record<string, unknown>): Statement;
  /** Must hit: a row that nobody has answered, and that is not given up, gets its last payload. */
  answer(model: string, key: string, payload: Record<string, unknown>, at: number): Statement;
  /** A row that would expire earlier is kept until then. */
  keepUntil(model: string, key: string, until: number): Statement;
  /** Must hit: nobody has inserted it before. */
  insertOnce(artifact: Artifact, at: number): Statement;
  /** Must hit: nobody has spent it before. */
  consume(model: string, key: string, at: number): Statement;
  /** Fails the unit if it was first used at `since` or earlier, or is gone. */
  consumeSince(model: string, key: string, at: number, since: number): Statement;
  /** Of the rows of one browser, all but the newest `most`; `artifact` is the newest of all. */
  giveUpOldest(artifact: Artifact, most: number, at: number): Statement;
  delete(model: string, key: string): Statement;
  /** Must hit: nobody has deleted it before. */
  take(model: string, key: string): Statement;
  deleteByGrant(model: string, grantKey: string): Statement;
  /** Everything that a client has got for an account. */
  deleteOf(accountId: string, clientId: string): Statement;
  /** Everything that a client has got for itself, on nobody's behalf. */
  deleteOwn(clientId: string): Statement;
}

const COLUMNS = [
  'model',
  'key',
  'account_id',
  'client_id',
  'grant_key',
  'user_code_key',
  'generation',
  'browser_key',
  'payload',
  'expires_at',
  'created_at',
  'counted_key',
] as const;

// Set once, then kept: a device code learns its account when a person allows it.
const ONCE = ['account_id', 'generation', 'grant_key'] as const;
const SAME_PERSON =
  'oidc_artifacts.account_id is null or oidc_artifacts.account_id = excluded.account_id';
const firstOf = (column: string) => `coalesce(oidc_artifacts.${column}, excluded.${column})`;

// The key settles which of those is older that began in the same millisecond.
const OLDER_ONES = `key in (select o.key from oidc_artifacts as o
  where o.model = ? and o.browser_key = ? and o.consumed_at is null and o.expires_at > ?
  and o.key <> ? order by o.created_at desc, o.key desc limit 1000000 offset ?)`;

type Columns = Record<(typeof COLUMNS)[number], unknown>;

interface Oldest {
  readonly model: string;
  readonly browser: string;
  readonly at: number;
  readonly own: string;
  /** How many stay beside the newest. */
  readonly others: number;
}

export function createArtifactTable(store: Store): ArtifactTable {
  const found = (column: 'key' | 'user_code_key') =>
    store.prepare<{ model: string; value: string }>((p, sql) =>
      sql('oidc_artifacts as o')
        .where({ 'o.model': p.model, [`o.${column}`]: p.value })
        .whereRaw(accountIsCurrent('o'))
        .select('o.payload', 'o.consumed_at', 'o.generation', 'o.browser_key')
        .select('o.counted_key', 'o.created_at'),
    );
  const byKey = found('key');
  const byUserCode = found('user_code_key');
  const put = store.prepare<Columns>(
    (p, sql) =>
      sql('oidc_artifacts')
        .insert(pick(p))
        .onConflict(['model', 'key'])
        .merge({
          payload: sql.raw('excluded.payload'),
          expires_at: sql.raw('excluded.expires_at'),
          ...Object.fromEntries(ONCE.map((column) => [column, sql.raw(firstOf(column))])),
        })
        .whereRaw(SAME_PERSON),
    1,
  );
  const insertOnce = store.prepare<Columns>(
    (p, sql) => sql('oidc_artifacts').insert(pick(p)).onConflict(['model', 'key']).ignore(),
    1,
  );
  const replacePayload = store.prepare<{ model: string; key: string; payload: string }>(
    (p, sql) =>
      sql('oidc_artifacts')
        .where({ model: p.model, key: p.key })
        .whereNull('consumed_at')
        .update({ payload: p.payload }),
    1,
  );
  const ask = store.prepare<{ model: string; key: string; payload: string }>(
    (p, sql) =>
      sql('oidc_artifacts')
        .where({ model: p.model, key: p.key })
        .whereNull('consumed_at')
        .update({ payload: p.payload, answered_at: null }),
    1,
  );
  const answer = store.prepare<{ model: string; key: string; payload: string; at: number }>(
    (p, sql) =>
      sql('oidc_artifacts')
        .where({ model: p.model, key: p.key })
        .whereNull('consumed_at')
        .whereNull('answered_at')
        .update({ payload: p.payload, answered_at: p.at }),
    1,
  );
  const keepUntil = store.prepare<{ model: string; key: string; until: number }>((p, sql) =>
    sql('oidc_artifacts')
      .where({ model: p.model, key: p.key })
      .where('expires_at', '<', p.until)
      .update({ expires_at: p.until }),
  );
  const giveUp = store.prepare<Oldest>((p, sql) =>
    sql('oidc_artifacts')
      .where({ model: p.model })
      .whereNull('consumed_at')
      .whereRaw(OLDER_ONES, [p.model, p.browser, p.at, p.own, p.others])
      .update({ consumed_at: p.at }),
  );
  const consume = store.prepare<{ model: string; key: string; at: number }>(
    (p, sql) =>
      sql('oidc_artifacts')
        .where({ model: p.model, key: p.key })
        .whereNull('consumed_at')
        .update({ consumed_at: p.at }),
    1,
  );
  const consumeSince = store.prepare<{ model: string; key: string; at: number; since: number }>(
    (p, sql) =>
      sql('oidc_artifacts')
        .where({ model: p.model, key: p.key })
        .where((open) => open.whereNull('consumed_at').orWhere('consumed_at', '>', p.since))
        .update({ consumed_at: sql.raw('coalesce(consumed_at, ?)', [p.at]) }),
    1,
  );
  const remove = store.prepare<{ model: string; key: string }>((p, sql) =>
    sql('oidc_artifacts').where({ model: p.model, key: p.key }).del(),
  );
  const removeByGrant = store.prepare<{ model: string; grant: string }>((p, sql) =>
    sql('oidc_artifacts').where({ model: p.model, grant_key: p.grant }).del(),
  );
  return {
    find: async (model, value) => parse(await store.find(byKey({ model, value }))),
    findByUserCode: async (model, value) => parse(await store.find(byUserCode({ model, value }))),
    put: (artifact, at) => put(toColumns(artifact, at)),
    replacePayload: (model, key, payload) =>
      replacePayload({ model, key, payload: JSON.stringify(payload) }),
    ask: (model, key, payload) => ask({ model, key, payload: JSON.stringify(payload) }),
    answer: (model, key, payload, at) =>
      answer({ model, key, payload: JSON.stringify(payload), at }),
    keepUntil: (model, key, until) => keepUntil({ model, key, until }),
    insertOnce: (artifact, at) => insertOnce(toColumns(artifact, at)),
    giveUpOldest: ({ model, key, browserKey = '' }, most, at) =>
      giveUp({ model, browser: browserKey, at, own: key, others: most - 1 }),
    consume: (model, key, at) => consume({ model, key, at }),
    consumeSince: (model, key, at, since) => consumeSince({ model, key, at, since }),
    delete: (model, key) => remove({ model, key }),
    take: (model, key) => ({ ...remove({ model, key }), expectRows: 1 }),
    deleteByGrant: (model, grant) => removeByGrant({ model, grant }),
    deleteOf: (accountId, clientId) =>
      store.compile(
        store.sql('oidc_artifacts').where({ account_id: accountId, client_id: clientId }).del(),
      ),
    deleteOwn: (clientId) =>
      store.compile(
        store.sql('oidc_artifacts').whereNull('account_id').where({ client_id: clientId }).del(),
      ),
  };
}

function pick(p: Columns): Row {
  return Object.fromEntries(COLUMNS.map((column) => [column, p[column]]));
}

function toColumns(artifact: Artifact, at: number): Columns {
  return {
    model: artifact.model,
    key: artifact.key,
    account_id: artifact.accountId ?? null,
    client_id: artifact.clientId ?? null,
    grant_key: artifact.grantKey ?? null,
    user_code_key: artifact.userCodeKey ?? null,
    generation: artifact.generation ?? null,
    browser_key: artifact.browserKey ?? null,
    payload: JSON.stringify(artifact.payload),
    expires_at: artifact.expiresAt,
    created_at: at,
    counted_key: artifact.countedKey ?? null,
  };
}

function parse(row: Row | undefined): FoundArtifact | undefined {
  return row && { ...FOUND.read(row), counted: countedOf(row) };
}

function countedOf(row: Row): Counted | undefined {
  const { key, at } = COUNTED.read(row);
  return key === undefined ? undefined : { key, at };
}
