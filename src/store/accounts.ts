// People: one row each.
import type { Knex } from 'knex';
import { now } from '../lib/clock.ts';
import {
  type Column,
  defineColumns,
  flag,
  integer,
  json,
  oneOf,
  optional,
  text,
} from './columns.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

const STATUSES = ['active', 'locked', 'suspended'] as const;
const ROLES = ['user', 'support', 'admin'] as const;

export type AccountStatus = (typeof STATUSES)[number];
export type AccountRole = (typeof ROLES)[number];

const COLUMNS = defineColumns({
  id: text('id'),
  /** As the person wrote it. */
  email: text('email'),
  /** The form of the address that is compared, or `duplicate:…` where an older account has it. */
  normalizedEmail: text('email_key'),
  name: optional(text('name')),
  role: oneOf('role', ROLES),
  /** The effective status: a lock whose time is over reads as `active`. */
  status: oneOf('status', STATUSES),
  /** Milliseconds; with status `locked`, undefined means until an operator unlocks. */
  lockedUntil: optional(integer('locked_until')),
  /** Raised by every change that ends existing sessions and tokens. */
  generation: integer('generation'),
  /** PHC string, or an imported form; undefined: the account has no password. */
  passwordHash: optional(text('password_hash')),
  /** When the current password was set. */
  passwordChangedAt: optional(integer('password_changed_at')),
  emailVerified: flag('email_verified'),
  /** The newest version of the password policy that the password is known to meet. */
  knownPolicyVersion: optional(integer('known_policy_version')),
  /** Imported from a system that the person already used. */
  existing: flag('existing'),
  /** End of the grace period without a second factor; stored once, by the first sign-in. */
  mfaDeadline: optional(integer('mfa_deadline')),
  /** Undefined: the account has no second factor. */
  mfaEnrolledAt: optional(integer('mfa_enrolled_at')),
  /** Address ranges the account may be used from; empty: any. */
  allowedAddresses: addressRanges('allowed_addresses'),
  /** Raised each time the person replaces the backup codes on the account page. */
  backupCodesRevision: integer('backup_codes_revision'),
  /** Raised each time the person adds a factor to an account that already has one. */
  factorsRevision: integer('factors_revision'),
  /** By the name of the attribute; see `src/domain/attributes`. */
  attributes: attributeValues('attributes'),
  createdAt: integer('created_at'),
  updatedAt: integer('updated_at'),
});

type AccountRow = ReturnType<typeof COLUMNS.read>;

export type Account = Omit<AccountRow, 'normalizedEmail'>;

/** Without a value, an attribute is left out. */
export type AttributeValues = Readonly<Record<string, unknown>>;

export interface NewAccount {
  readonly id: string;
  readonly email: string;
  readonly normalizedEmail: string;
  readonly name: string | undefined;
  readonly role: AccountRole;
  readonly status?: AccountStatus;
  readonly passwordHash: string | undefined;
  readonly knownPolicyVersion?: number | undefined;
  readonly emailVerified: boolean;
  readonly existing?: boolean;
  readonly mfaEnrolledAt?: number | undefined;
  readonly attributes?: AttributeValues | undefined;
  readonly createdAt?: number;
  readonly at: number;
}

export interface NewPassword {
  readonly hash: string;
  readonly policyVersion: number | undefined;
  readonly at: number;
}

export interface ResetPassword extends NewPassword {
  /** Whoever reset it reads the mails of the account. */
  readonly provesEmail: boolean;
}

/** What a right password told of itself, for the account to remember. */
export interface Learned {
  /** The same password, hashed anew. */
  readonly hash?: string | undefined;
  readonly policyVersion?: number | undefined;
}

export interface AccountTable {
  find(id: string): Promise<Account | undefined>;
  findByNormalizedEmail(normalizedEmail: string): Promise<Account | undefined>;
  /** Those whose mailbox belongs to an older account, so that no address finds them. */
  duplicates(): Promise<Account[]>;
  /** By creation, `after` an id, at most `limit`. */
  list(limit: number, after?: string): Promise<Account[]>;
  insert(account: NewAccount): Statement;
  /** Must hit: the account is there, active and of this generation. */
  guard(id: string, generation: number): Statement;
  /** Must hit: the account is there and of this generation. Takes no lock. */
  guardSession(id: string, generation: number): Statement;
  /** Must hit, as {@link guard}. Raises the generation by one. */
  changePassword(id: string, generation: number, password: NewPassword): Statement;
  /**
   * Must hit: the account is of this generation and not suspended, with a password or without.
   * Raises the generation by one.
   */
  resetPassword(id: string, generation: number, password: ResetPassword): Statement;
  /** Must hit: the account is of this generation. No password is right then; raises it by one. */
  dropPassword(id: string, generation: number): Statement;
  /** The password stays what it was, and so does the generation. */
  learn(id: string, generation: number, learned: Learned): Statement;
  /** The grace ends then, unless an end is stored already. */
  startGrace(id: string, deadline: number): Statement;
  /** Must hit, as {@link guard}. It has a second factor now; raises the generation by one. */
  enrol(id: string, generation: number, at: number): Statement;
  /** Must hit, as {@link guard}. Raises the generation by one. */
  bumpGeneration(id: string, generation: number): Statement;
  /** Must hit, as {@link guard}: nobody has renewed the backup codes since that revision. */
  reviseRecoveryCodes(id: string, generation: number, revision: number): Statement;
  /** Must hit, as {@link guard}: nobody has added a factor beside others since that revision. */
  reviseFactors(id: string, generation: number, revision: number): Statement;
  /** Must hit, whatever the generation. All second factors are gone, and no grace is left. */
  resetFactors(id: string, at: number): Statement;
  /**
   * Fails the unit unless the account exists and its status differs. Suspending raises the
   * generation by one.
   */
  setStatus(id: string, status: AccountStatus, at: number): Statement;
  /** Must hit. @param ranges none: any */
  allowAddresses(id: string, ranges: readonly string[], at: number): Statement;
  /**
   * Fails the unit unless the account is as it was read. What is left out stays; a new email that
   * another account has is refused with `already_exists`.
   */
  changeProfile(was: Account, change: ProfileChange, at: number): Statement;
  delete(id: string): Statement;
}

export type ProfileChange = Partial<
  Pick<AccountRow, 'email' | 'normalizedEmail' | 'name' | 'emailVerified' | 'attributes'>
>;

export function createAccountTable(store: Store): AccountTable {
  const byId = store.prepare<{ id: string }>((p, sql) => sql('accounts').where({ id: p.id }));
  const byEmail = store.prepare<{ key: string }>((p, sql) =>
    sql('accounts').where({ email_key: p.key }),
  );
  const guard = store.prepare<{ id: string; generation: number; at: number }>(
    (p, sql) =>
      sql('accounts')
        .where({ id: p.id, generation: p.generation })
        .where(isActive(p.at))
        .select('id')
        .forShare(),
    1,
  );
  const guardSession = store.prepare<{ id: string; generation: number }>(
    (p, sql) => sql('accounts').where({ id: p.id, generation: p.generation }).select('id'),
    1,
  );
  const ofGeneration = (id: string, generation: number) =>
    store.sql('accounts').where({ id, generation }).where(isActive(now()));
  const nextGeneration = () => ({ generation: store.sql.raw('generation + 1'), updated_at: now() });
  return {
    find: async (id) => toAccount(await store.find(byId({ id }))),
    findByNormalizedEmail: async (key) => toAccount(await store.find(byEmail({ key }))),
    duplicates: async () => {
      const query = store.sql('accounts').where('email_key', 'like', 'duplicate:%').orderBy('id');
      return (await store.all(store.compile(query))).map(parse);
    },
    list: async (limit, after) => (await store.all(list(store, limit, after))).map(parse),
    insert: (account) => store.compile(store.sql('accounts').insert(toRow(account)), 1),
    guard: (id, generation) => guard({ id, generation, at: now() }),
    guardSession: (id, generation) => guardSession({ id, generation }),
    changePassword: (id, generation, password) =>
      store.compile(
        ofGeneration(id, generation).update({ ...changedPassword(password), ...nextGeneration() }),
        1,
      ),
    resetPassword: (id, generation, password) =>
      store.compile(
        store
          .sql('accounts')
          .where({ id, generation })
          .whereNot({ status: 'suspended' })
          .update({
            ...changedPassword(password),
            ...nextGeneration(),
            ...(password.provesEmail ? { email_verified: 1 } : {}),
          }),
        1,
      ),
    dropPassword: (id, generation) =>
      store.compile(
        store
          .sql('accounts')
          .where({ id, generation })
          .update({ ...NO_PASSWORD, ...nextGeneration() }),
        1,
      ),
    learn: (id, generation, learned) =>
      store.compile(
        store.sql('accounts').where({ id, generation }).update(learnedColumns(learned)),
      ),
    startGrace: (id, deadline) =>
      store.compile(
        store
          .sql('accounts')
          .where({ id })
          .whereNull('mfa_deadline')
          .update({ mfa_deadline: deadline }),
      ),
    enrol: (id, generation, at) =>
      store.compile(
        ofGeneration(id, generation).update({
          mfa_enrolled_at: store.sql.raw('coalesce(mfa_enrolled_at, ?)', [at]),
          ...nextGeneration(),
        }),
        1,
      ),
    bumpGeneration: (id, generation) =>
      store.compile(ofGeneration(id, generation).update(nextGeneration()), 1),
    reviseRecoveryCodes: (id, generation, revision) =>
      store.compile(
        ofGeneration(id, generation)
          .where({ backup_codes_revision: revision })
          .update({ backup_codes_revision: revision + 1 }),
        1,
      ),
    reviseFactors: (id, generation, revision) =>
      store.compile(
        ofGeneration(id, generation)
          .where({ factors_revision: revision })
          .update({ factors_revision: revision + 1 }),
        1,
      ),
    resetFactors: (id, at) =>
      store.compile(
        store
          .sql('accounts')
          .where({ id })
          .update({ mfa_enrolled_at: null, mfa_deadline: at, ...nextGeneration() }),
        1,
      ),
    setStatus: (id, status, at) =>
      store.compile(
        store
          .sql('accounts')
          .where({ id })
          .whereNot({ status })
          .update({
            status,
            locked_until: null,
            updated_at: at,
            ...(status === 'suspended' ? nextGeneration() : {}),
          }),
        1,
      ),
    allowAddresses: (id, ranges, at) => {
      const row = COLUMNS.write({ allowedAddresses: ranges, updatedAt: at });
      return store.compile(store.sql('accounts').where({ id }).update(row), 1);
    },
    changeProfile: (was, change, at) =>
      store.compile(
        store
          .sql('accounts')
          .where({ id: was.id, email: was.email, updated_at: was.updatedAt })
          .update(COLUMNS.write({ ...change, updatedAt: at })),
        1,
      ),
    delete: (id) => store.compile(store.sql('accounts').where({ id }).del(), 1),
  };
}

/** In SQL what {@link parse} makes of the status. */
function isActive(at: number): (query: Knex.QueryBuilder) => void {
  return (query) => {
    query
      .where('status', 'active')
      .orWhere((locked) => locked.where('status', 'locked').where('locked_until', '<=', at));
  };
}
const NO_PASSWORD: Row = {
  password_hash: null,
  password_changed_at: null,
  known_policy_version: null,
};

function changedPassword({ hash, policyVersion, at }: NewPassword): Row {
  return {
    password_hash: hash,
    password_changed_at: at,
    known_policy_version: policyVersion ?? null,
    updated_at: at,
  };
}

function learnedColumns({ hash, policyVersion }: Learned): Row {
  return {
    ...(hash === undefined ? {} : { password_hash: hash }),
    ...(policyVersion === undefined ? {} : { known_policy_version: policyVersion }),
  };
}

function list(store: Store, limit: number, after?: string): Statement {
  const query = store.sql('accounts').orderBy('id').limit(limit);
  return store.compile(after === undefined ? query : query.where('id', '>', after));
}

function toRow(account: NewAccount): Row {
  const createdAt = account.createdAt ?? account.at;
  return COLUMNS.write({
    id: account.id,
    email: account.email,
    normalizedEmail: account.normalizedEmail,
    name: account.name,
    role: account.role,
    status: account.status ?? 'active',
    generation: 1,
    passwordHash: account.passwordHash,
    passwordChangedAt: account.passwordHash ? createdAt : undefined,
    knownPolicyVersion: account.knownPolicyVersion,
    emailVerified: account.emailVerified,
    existing: account.existing ?? false,
    mfaEnrolledAt: account.mfaEnrolledAt,
    attributes: account.attributes ?? {},
    createdAt,
    updatedAt: account.at,
  });
}

function toAccount(row: Row | undefined): Account | undefined {
  return row && parse(row);
}

function parse(row: Row): Account {
  const { normalizedEmail, ...account } = COLUMNS.read(row);
  return { ...account, status: statusNow(account) };
}

/** The status as it counts now: a lock whose time is over is none. */
function statusNow({ status, lockedUntil }: Pick<AccountRow, 'status' | 'lockedUntil'>) {
  const isOver = status === 'locked' && lockedUntil !== undefined && lockedUntil <= now();
  return isOver ? 'active' : status;
}

/** A JSON object; NULL stands for the empty one. */
function attributeValues(name: string): Column<AttributeValues> {
  const object = optional(json<AttributeValues>(name));
  return {
    name,
    read: (value) => object.read(value) ?? {},
    write: (values) => object.write(Object.keys(values).length === 0 ? undefined : values),
  };
}

/** A JSON list of address ranges; NULL stands for the empty list. */
function addressRanges(name: string): Column<readonly string[]> {
  const list = optional(json<readonly string[]>(name));
  return {
    name,
    read: (value) => list.read(value) ?? [],
    write: (ranges) => list.write(ranges.length === 0 ? undefined : ranges),
  };
}
