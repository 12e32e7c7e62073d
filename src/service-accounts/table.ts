// Service accounts and their keys: a key counts as long as it and its account stand.
import type { JWK } from 'jose';
import type { Knex } from 'knex';
import { defineColumns, integer, json, oneOf, optional, text } from '../store/columns.ts';
import type { Row, Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';

const STATUSES = ['active', 'disabled'] as const;
export type ServiceAccountStatus = (typeof STATUSES)[number];

const COLUMNS = defineColumns({
  id: text('id'),
  name: text('name'),
  status: oneOf('status', STATUSES),
  /** The only scopes it may request. */
  scopes: json<readonly string[]>('scopes'),
  /** Identifiers of the only resources it may request tokens for; never empty. */
  resources: json<readonly string[]>('resources'),
  /** Address ranges it may call from; empty: any. */
  addresses: json<readonly string[]>('addresses'),
  /** Raised by whatever ends the tokens issued before. */
  generation: integer('generation'),
  createdAt: integer('created_at'),
});

export type ServiceAccount = ReturnType<typeof COLUMNS.read>;

export type ServiceAccountChange = Partial<
  Pick<ServiceAccount, 'name' | 'scopes' | 'resources' | 'addresses'>
>;

const KEY_COLUMNS = defineColumns({
  accountId: text('account_id'),
  kid: text('kid'),
  /** The one algorithm that the key is used with. */
  alg: text('alg'),
  /** The public half. */
  jwk: json<JWK>('jwk'),
  expiresAt: optional(integer('expires_at')),
  revokedAt: optional(integer('revoked_at')),
  usedAt: optional(integer('used_at')),
  createdAt: integer('created_at'),
});

export type ServiceAccountKey = ReturnType<typeof KEY_COLUMNS.read>;

export interface ServiceAccountTable {
  find(id: string): Promise<ServiceAccount | undefined>;
  list(limit: number, after?: string): Promise<ServiceAccount[]>;
  insert(account: ServiceAccount): Statement;
  /**
   * Must hit: it is there and active, and nobody has moved it on. Nor does anybody disable, move on
   * or delete it before the unit is over.
   */
  guard(account: Pick<ServiceAccount, 'id' | 'generation'>): Statement;
  /** Must hit: it is there. First in a unit: whoever else changes it waits, and sees the change. */
  lock(id: string, at: number): Statement;
  /** Must hit: it has not had this status. It moves on. */
  setStatus(id: string, status: ServiceAccountStatus, at: number): Statement;
  /** Must hit: it is there. To another generation: whoever is about to issue tokens may not. */
  bumpGeneration(id: string, at: number): Statement;
  /** Must hit: nobody has moved it on since it was read. With other lists it moves on. */
  update(account: ServiceAccount, change: ServiceAccountChange, at: number): Statement;
  /** Must hit. Its keys and authenticators go with it. */
  delete(id: string): Statement;
  /** Oldest first. */
  keysOf(accountId: string): Promise<ServiceAccountKey[]>;
  /** Of active accounts: those that count `at` a time, but not as long as `until`. Soonest first. */
  expiringKeys(at: number, until: number): Promise<ServiceAccountKey[]>;
  findKey(accountId: string, kid: string): Promise<ServiceAccountKey | undefined>;
  /** Must hit, after {@link lock}: fewer than so many of its keys count. */
  guardRoom(accountId: string, most: number, at: number): Statement;
  /** Throws `already_exists` where the account has had this key. */
  insertKey(key: ServiceAccountKey): Statement;
  /** Must hit: it was not revoked before. */
  revokeKey(accountId: string, kid: string, at: number): Statement;
  /** Must hit: the account is active, the key neither revoked nor expired. After {@link guard}. */
  useKey(accountId: string, kid: string, at: number): Statement;
}

const ACCOUNTS = 'service_accounts';
const KEYS = 'service_account_keys';

export function createServiceAccountTable(store: Store): ServiceAccountTable {
  const byId = store.prepare<{ id: string }>((p, sql) => sql(ACCOUNTS).where({ id: p.id }));
  const keyOf = store.prepare<{ accountId: string; kid: string }>((p, sql) =>
    sql(KEYS).where({ account_id: p.accountId, kid: p.kid }),
  );
  const keysOf = store.prepare<{ accountId: string }>((p, sql) =>
    sql(KEYS).where({ account_id: p.accountId }).orderBy('created_at').orderBy('kid'),
  );
  const guard = store.prepare<{ id: string; generation: number }>(
    (p, sql) =>
      sql(ACCOUNTS)
        .where({ id: p.id, generation: p.generation, status: 'active' })
        .select('id')
        .forShare(),
    1,
  );
  const useKey = store.prepare<{ accountId: string; kid: string; at: number }>(
    (p, sql) =>
      sql(KEYS)
        .where({ account_id: p.accountId, kid: p.kid })
        .where(counts(p.at))
        .whereExists(sql(ACCOUNTS).where({ id: p.accountId, status: 'active' }).select('id'))
        .update({ used_at: p.at }),
    1,
  );
  const accounts = () => store.sql(ACCOUNTS);
  const nextGeneration = () => ({ generation: store.sql.raw('generation + 1') });
  return {
    find: async (id) => {
      const row = await store.find(byId({ id }));
      return row && COLUMNS.read(row);
    },
    list: async (limit, after) => {
      const query = accounts().orderBy('id').limit(limit);
      const page = after === undefined ? query : query.where('id', '>', after);
      return (await store.all(store.compile(page))).map(COLUMNS.read);
    },
    insert: (account) => store.compile(accounts().insert(toRow(account)), 1),
    guard: ({ id, generation }) => guard({ id, generation }),
    lock: (id, at) => store.compile(accounts().where({ id }).update({ updated_at: at }), 1),
    setStatus: (id, status, at) =>
      store.compile(
        accounts()
          .where({ id })
          .whereNot({ status })
          .update({ status, updated_at: at, ...nextGeneration() }),
        1,
      ),
    bumpGeneration: (id, at) =>
      store.compile(
        accounts()
          .where({ id })
          .update({ updated_at: at, ...nextGeneration() }),
        1,
      ),
    update: ({ id, generation }, { name, ...lists }, at) => {
      const columns = { ...(name === undefined ? {} : { name }), ...asTexts(lists) };
      const moved = Object.keys(lists).length > 0 ? nextGeneration() : {};
      const query = accounts().where({ id, generation });
      return store.compile(query.update({ ...columns, ...moved, updated_at: at }), 1);
    },
    delete: (id) => store.compile(accounts().where({ id }).del(), 1),
    keysOf: async (accountId) => (await store.all(keysOf({ accountId }))).map(KEY_COLUMNS.read),
    expiringKeys: async (at, until) => {
      const active = accounts().where({ status: 'active' }).select('id');
      const expiring = store.sql(KEYS).where(counts(at)).where('expires_at', '<=', until);
      const query = expiring.whereIn('account_id', active).orderBy('expires_at');
      return (await store.all(store.compile(query))).map(KEY_COLUMNS.read);
    },
    findKey: async (accountId, kid) => {
      const row = await store.find(keyOf({ accountId, kid }));
      return row && KEY_COLUMNS.read(row);
    },
    guardRoom: (accountId, most, at) => {
      const live = store.sql(KEYS).where({ account_id: accountId }).where(counts(at));
      const count = live.count({ count: '*' });
      return store.compile(accounts().where({ id: accountId }).where(most, '>', count), 1);
    },
    insertKey: (key) => store.compile(store.sql(KEYS).insert(KEY_COLUMNS.write(key)), 1),
    revokeKey: (accountId, kid, at) =>
      store.compile(
        store
          .sql(KEYS)
          .where({ account_id: accountId, kid })
          .whereNull('revoked_at')
          .update({ revoked_at: at }),
        1,
      ),
    useKey: (accountId, kid, at) => useKey({ accountId, kid, at }),
  };
}

/** As long as it is neither revoked nor expired. */
function counts(at: number) {
  return (key: Knex.QueryBuilder) =>
    key
      .whereNull('revoked_at')
      .where((either) => either.whereNull('expires_at').orWhere('expires_at', '>', at));
}

function asTexts(lists: Omit<ServiceAccountChange, 'name'>): Row {
  return Object.fromEntries(
    Object.entries(lists).map(([column, list]) => [column, JSON.stringify(list)]),
  );
}

function toRow(account: ServiceAccount): Row {
  return { ...COLUMNS.write(account), updated_at: account.createdAt };
}
