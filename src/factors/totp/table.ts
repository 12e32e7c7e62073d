// Authenticators: one row for each app that makes codes, and the steps that are spent.
import type { Row, Statement } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';

export interface Authenticator {
  readonly id: string;
  readonly accountId: string;
  /** What the person calls it. */
  readonly name: string;
  /** Sealed. */
  readonly secret: string;
  /** The newest time step whose code was accepted. */
  readonly lastStep: number;
  readonly usedAt: number | undefined;
  readonly createdAt: number;
}

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
    ofAccount: async (accountId) => (await store.all(ofAccount({ accountId }))).map(parse),
    count: async (accountId) => Number((await store.find(count({ accountId })))?.count ?? 0),
    insert: (authenticator) => store.compile(table().insert(toRow(authenticator)), 1),
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

function toRow(authenticator: Authenticator): Row {
  return {
    id: authenticator.id,
    account_id: authenticator.accountId,
    name: authenticator.name,
    secret: authenticator.secret,
    last_step: authenticator.lastStep,
    used_at: authenticator.usedAt ?? null,
    created_at: authenticator.createdAt,
  };
}

function parse(row: Row): Authenticator {
  return {
    id: row.id as string,
    accountId: row.account_id as string,
    name: row.name as string,
    secret: row.secret as string,
    lastStep: row.last_step as number,
    usedAt: (row.used_at as number | null) ?? undefined,
    createdAt: row.created_at as number,
  };
}
