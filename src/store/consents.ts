// What a person has allowed a client: one row each pair.
import { defineColumns, integer, json, text } from './columns.ts';
import type { Statement } from './statement.ts';
import type { Store } from './store.ts';

/** OpenID scopes and claims, and scopes by resource. */
export interface Granted {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

const COLUMNS = defineColumns({
  clientId: text('client_id'),
  granted: json<Granted>('granted'),
  revision: integer('revision'),
  createdAt: integer('created_at'),
});

type ConsentRow = ReturnType<typeof COLUMNS.read>;
export type Consent = Pick<ConsentRow, 'granted' | 'revision'>;
export type ListedConsent = Pick<ConsentRow, 'clientId' | 'granted' | 'createdAt'>;

export interface ConsentTable {
  find(accountId: string, clientId: string): Promise<Consent | undefined>;
  /** Oldest first. */
  ofAccount(accountId: string): Promise<ListedConsent[]>;
  /** Replaces revision `was` (undefined: there was none); must hit. */
  put(consent: PutConsent): Statement;
  /** Must hit: it still stands. Whoever takes it back waits for this unit. */
  guard(accountId: string, clientId: string): Statement;
  /** Must hit. */
  delete(accountId: string, clientId: string): Statement;
}

export interface PutConsent {
  readonly accountId: string;
  readonly clientId: string;
  readonly granted: Granted;
  readonly was: number | undefined;
  readonly at: number;
}

export function createConsentTable(store: Store): ConsentTable {
  const table = () => store.sql('consents');
  const find = store.prepare<{ account: string; client: string }>((p, sql) =>
    sql('consents').where({ account_id: p.account, client_id: p.client }),
  );
  const guard = store.prepare<{ account: string; client: string }>(
    (p, sql) =>
      sql('consents')
        .where({ account_id: p.account, client_id: p.client })
        .select('client_id')
        .forShare(),
    1,
  );
  const ofAccount = store.prepare<{ account: string }>((p, sql) =>
    sql('consents').where({ account_id: p.account }).orderBy('created_at').orderBy('client_id'),
  );
  return {
    find: async (account, client) => {
      const row = await store.find(find({ account, client }));
      return row && COLUMNS.read(row);
    },
    ofAccount: async (account) => (await store.all(ofAccount({ account }))).map(COLUMNS.read),
    guard: (account, client) => guard({ account, client }),
    delete: (account, client) =>
      store.compile(table().where({ account_id: account, client_id: client }).del(), 1),
    put: ({ accountId, clientId, granted, was, at }) => {
      const key = { account_id: accountId, client_id: clientId };
      const text = JSON.stringify(granted);
      const first = { ...key, granted: text, revision: 1, created_at: at, updated_at: at };
      const query =
        was === undefined
          ? table().insert(first).onConflict(['account_id', 'client_id']).ignore()
          : table()
              .where({ ...key, revision: was })
              .update({ granted: text, revision: was + 1, updated_at: at });
      return store.compile(query, 1);
    },
  };
}
