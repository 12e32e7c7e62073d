// What an operator changes of an account's person: name, email and attributes, in one unit.
import { now } from '../../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import type {
  Account,
  AccountTable,
  AttributeValues,
  ProfileChange,
} from '../../store/accounts.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import { isEmail, normalizedEmail } from './emails.ts';

export interface ProfileUpdate {
  readonly email?: string | undefined;
  readonly emailVerified?: boolean | undefined;
  /** Null takes the name away. */
  readonly name?: string | null | undefined;
  /** Replaces the values that it names. */
  readonly attributes?: AttributeValues | undefined;
  /** Names of attributes that are taken away. */
  readonly unset?: readonly string[] | undefined;
}

interface Cause {
  /** An account's id, or `cli:USER`. */
  readonly actor: string;
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
}

/**
 * @throws `invalid_input` for a value that cannot be, or where nothing would change;
 * `already_exists` for the email of another account; `store_conflict` when the account changes
 * meanwhile
 */
export type UpdateProfile = (
  account: Account,
  update: ProfileUpdate,
  cause: Cause,
) => Promise<void>;

interface Needs {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly audit: Audit;
}

export function createUpdateProfile({ store, accountTable, audit }: Needs): UpdateProfile {
  return async (account, update, { actor, reason, ticket }) => {
    const change = changeOf(account, update);
    const changed = changedNames(account, change);
    if (changed.length === 0) throw refusal('Nothing would change.');
    if (changed.some((name) => VOUCHED.includes(name)) && !reason?.trim()) {
      throw refusal('Say why with --reason: applications rely on the email address.');
    }
    const detail = { changed, ...(ticket === undefined ? {} : { ticket }) };
    const event = {
      kind: 'account.updated',
      accountId: account.id,
      actor,
      detail,
      ...(reason === undefined ? {} : { reason }),
    } as const;
    // Later than what was read, so that one of two changes in the same millisecond misses.
    const at = Math.max(now(), account.updatedAt + 1);
    const row = accountTable.changeProfile(account, change, at);
    await store.write(row, audit.record(event)).catch(explain);
  };
}

/** What applications take for proved. */
const VOUCHED: readonly string[] = ['email', 'email_verified'];

function changeOf(account: Account, update: ProfileUpdate): ProfileChange {
  const { name, attributes, unset = [] } = update;
  const { email, emailVerified } = emailOf(account, update);
  const kept = Object.entries({ ...account.attributes, ...attributes });
  return {
    ...(email === undefined ? {} : { email, normalizedEmail: normalizedEmail(email) }),
    ...(emailVerified === undefined ? {} : { emailVerified }),
    ...(name === undefined ? {} : { name: name === null || name === '' ? undefined : name }),
    attributes: Object.fromEntries(kept.filter(([each]) => !unset.includes(each))),
  };
}

/** A new address is not verified, unless somebody says so. */
function emailOf(account: Account, { email: typed, emailVerified }: ProfileUpdate) {
  const email = typed?.trim();
  if (email === undefined) return { email, emailVerified };
  if (!isEmail(email)) throw refusal(`"${email}" is not a valid email address.`);
  const isOther = normalizedEmail(email) !== normalizedEmail(account.email);
  return { email, emailVerified: emailVerified ?? (isOther ? false : undefined) };
}

/** In the names of claims; values never stand in the audit. */
function changedNames(was: Account, change: ProfileChange): string[] {
  const names = [
    ...(change.email !== undefined && change.email !== was.email ? ['email'] : []),
    ...(isOther(change.emailVerified, was.emailVerified) ? ['email_verified'] : []),
    ...('name' in change && change.name !== was.name ? ['name'] : []),
  ];
  const { attributes = {} } = change;
  const all = new Set([...Object.keys(was.attributes), ...Object.keys(attributes)]);
  const others = [...all].filter(
    (name) => JSON.stringify(was.attributes[name]) !== JSON.stringify(attributes[name]),
  );
  return [...names, ...others.sort()];
}

const isOther = <T>(next: T | undefined, was: T) => next !== undefined && next !== was;

function explain(error: unknown): never {
  if (isGatehouseError(error, 'already_exists')) {
    const message = 'Another account has this email address.';
    throw new GatehouseError('already_exists', { message, cause: error });
  }
  if (!isGatehouseError(error, 'store_conflict')) throw error;
  const message = 'The account was changed meanwhile. Check it and try again.';
  throw new GatehouseError('store_conflict', { message, cause: error });
}

function refusal(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}
