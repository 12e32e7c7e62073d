// Authenticators: one row for each app that makes codes, and the steps that are spent.
import { defineColumns, integer, optional, text } from '../../store/columns.ts';
import type { Statement } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';

const COLUMNS = defineColumns({
  id: text('id'),
  accountId: text('account_id'),
  /** What the person calls it. */
  name: text('name'),
  /** Sealed. */
  secret: text('secret'),
  /** The newest time step whose code was accepted. */
  lastStep: integer('last_step'),
  usedAt: optional(integer('used_at')),
  createdAt: integer('created_at'),
});

export type Authenticator = ReturnType<typeof COLUMNS.read>;

export interface AuthenticatorTable {
  /** Oldest first. */
  ofAccount(accountId: string): Promise<Authenticator[]>;
  count(accountId: string): Promise<number>;
  insert(authenticator: Authenticator): Statement;
  /** Must hit: neither this step nor a later one has been accepted, and nobody has burnt it. */
  spend(id: string, step: number, at: number): Statement;
  /** From now on the step is never accepted. */
  burn(id: string, step: number, expiresAt: number): Statement;
  /** Must hit. */
  rename(accountId: string, id: string, name: string): Statement;
  /** Must hit. */
  delete(accountId: string, id: string): Statement;
  deleteOf(accountId: string): Statement;
}

type Table = 'authenticators' | 'service_account_authenticators';
const spentKey = (id: string, step: number) => `${id}.${step}`;

export function createAuthenticatorTable(
  store: Store,
  name: Table = 'authenticators',
): AuthenticatorTable {
  const table = () => store.sql(name);
  const ofAccount = store.prepare<{ accountId: string }>((p, sql) =>
    sql(name).where({ account_id: p.accountId }).orderBy('created_at').orderBy('id'),
  );
  const count = store.prepare<{ accountId: string }>((p, sql) =>
    sql(name).where({ account_id: p.accountId }).count({ count: '*' }),
  );
  return {
    ofAccount: async (accountId) => (await store.all(ofAccount({ accountId }))).map(COLUMNS.read),
    count: async (accountId) => Number((await store.find(count({ accountId })))?.count ?? 0),
    insert: (authenticator) => store.compile(table().insert(COLUMNS.write(authenticator)), 1),
    spend: (id, step, at) =>
      store.compile(
        table()
          .where({ id })
          .where('last_step', '<', step)
          .whereNotExists(store.sql('spent_steps').where({ id: spentKey(id, step) }))
          .update({ last_step: step, used_at: at }),
        1,
      ),
    burn: (id, step, expiresAt) =>
      store.compile(
        store
          .sql('spent_steps')
          .insert({ id: spentKey(id, step), expires_at: expiresAt })
          .onConflict('id')
          .ignore(),
      ),
    rename: (accountId, id, name) =>
      store.compile(table().where({ id, account_id: accountId }).update({ name }), 1),
    delete: (accountId, id) => store.compile(table().where({ id, account_id: accountId }).del(), 1),
    deleteOf: (accountId) => store.compile(table().where({ account_id: accountId }).del()),
  };
}
