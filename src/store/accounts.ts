// People: one row each.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export type AccountStatus = 'active' | 'locked' | 'suspended';
export type AccountRole = 'user' | 'support' | 'admin';

export interface Account {
  readonly id: string;
  /** As the person wrote it. */
  readonly email: string;
  readonly name: string | undefined;
  readonly role: AccountRole;
  readonly status: AccountStatus;
  /** Milliseconds; with status `locked`, undefined means until an operator unlocks. */
  readonly lockedUntil: number | undefined;
  /** Raised by every change that ends what was signed in before it. */
  readonly generation: number;
  /** PHC string; undefined: no password can be right. */
  readonly passwordHash: string | undefined;
  readonly emailVerified: boolean;
  readonly knownPolicyVersion: number | undefined;
  readonly mfaDeadline: number | undefined;
  readonly createdAt: number;
}

export interface NewAccount {
  readonly id: string;
  readonly email: string;
  readonly emailKey: string;
  readonly name: string | undefined;
  readonly role: AccountRole;
  readonly passwordHash: string | undefined;
  readonly emailVerified: boolean;
  readonly at: number;
}

export interface Accounts {
  find(id: string): Promise<Account | undefined>;
  findByEmailKey(emailKey: string): Promise<Account | undefined>;
  /** By creation, `after` an id, at most `limit`. */
  list(limit: number, after?: string): Promise<Account[]>;
  insert(account: NewAccount): Statement;
  /** Must hit: the account is there, active and of this generation. */
  guard(id: string, generation: number): Statement;
  /** Must hit: the account is there and of this generation. Takes no lock. */
  guardSession(id: string, generation: number): Statement;
  delete(id: string): Statement;
}

export function createAccounts(store: Store): Accounts {
  const byId = store.prepare<{ id: string }>((p, sql) => sql('accounts').where({ id: p.id }));
  const byEmail = store.prepare<{ key: string }>((p, sql) =>
    sql('accounts').where({ email_key: p.key }),
  );
  const guard = store.prepare<{ id: string; generation: number }>(
    (p, sql) =>
      sql('accounts')
        .where({ id: p.id, generation: p.generation, status: 'active' })
        .select('id')
        .forShare(),
    1,
  );
  const guardSession = store.prepare<{ id: string; generation: number }>(
    (p, sql) => sql('accounts').where({ id: p.id, generation: p.generation }).select('id'),
    1,
  );
  return {
    find: async (id) => toAccount(await store.find(byId({ id }))),
    findByEmailKey: async (key) => toAccount(await store.find(byEmail({ key }))),
    list: async (limit, after) => (await store.all(list(store, limit, after))).map(parse),
    insert: (account) => store.compile(store.sql('accounts').insert(toRow(account)), 1),
    guard: (id, generation) => guard({ id, generation }),
    guardSession: (id, generation) => guardSession({ id, generation }),
    delete: (id) => store.compile(store.sql('accounts').where({ id }).del(), 1),
  };
}

function list(store: Store, limit: number, after?: string): Statement {
  const query = store.sql('accounts').orderBy('id').limit(limit);
  return store.compile(after === undefined ? query : query.where('id', '>', after));
}

function toRow(account: NewAccount): Row {
  return {
    id: account.id,
    email: account.email,
    email_key: account.emailKey,
    name: account.name ?? null,
    role: account.role,
    status: 'active',
    generation: 1,
    password_hash: account.passwordHash ?? null,
    password_changed_at: account.passwordHash ? account.at : null,
    email_verified: account.emailVerified ? 1 : 0,
    created_at: account.at,
    updated_at: account.at,
  };
}

function toAccount(row: Row | undefined): Account | undefined {
  return row && parse(row);
}

function parse(row: Row): Account {
  return {
    id: row.id as string,
    email: row.email as string,
    name: (row.name as string | null) ?? undefined,
    role: row.role as AccountRole,
    status: row.status as AccountStatus,
    lockedUntil: (row.locked_until as number | null) ?? undefined,
    generation: row.generation as number,
    passwordHash: (row.password_hash as string | null) ?? undefined,
    emailVerified: row.email_verified === 1,
    knownPolicyVersion: (row.known_policy_version as number | null) ?? undefined,
    mfaDeadline: (row.mfa_deadline as number | null) ?? undefined,
    createdAt: row.created_at as number,
  };
}
