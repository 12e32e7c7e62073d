// A new password by choice: the current one proved again, and everywhere but here all ends.
import type { Hashing } from '../domain/hashing.ts';
import type { KnownBrowsers } from '../domain/known-browsers.ts';
import type { Limited, Reservation } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { PasswordPolicy, Rule } from '../domain/passwords/policy.ts';
import type { SessionsDomain } from '../domain/sessions.ts';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { ProveAgain } from './prove.ts';

export type ChangeOutcome =
  | { readonly kind: 'changed' }
  | { readonly kind: 'unmet'; readonly rules: readonly Rule[] }
  /** It is the one that the account has. */
  | { readonly kind: 'same' }
  /** The current password is another one. */
  | ({ readonly kind: 'refused' } & Remaining)
  | Limited
  /** The account or the session has changed meanwhile. */
  | { readonly kind: 'void' };

export interface PasswordChange {
  readonly current: string;
  readonly next: string;
  /** Of this browser: it goes on. */
  readonly session: string;
  /** Its cookie of known browsers. */
  readonly browser: string | undefined;
}

export interface ChangePasswordNeeds {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly sessions: SessionsDomain;
  readonly knownBrowsers: KnownBrowsers;
  readonly passwords: PasswordPolicy;
  readonly hashing: Hashing;
  readonly limits: Limits;
  readonly proveAgain: ProveAgain;
  readonly log: Log;
}

/** Throws `busy` when too many passwords are being hashed. */
export type ChangePassword = (account: Account, change: PasswordChange) => Promise<ChangeOutcome>;

export function createChangePassword(needs: ChangePasswordNeeds): ChangePassword {
  return async (account, change) => {
    const { met, rules } = needs.passwords.judge(change.next, account);
    const unmet = rules.filter((each) => !each.met).map(({ rule }) => rule);
    if (!met) return { kind: 'unmet', rules: unmet };
    const ticket = await needs.limits.reservePasswordChange(account.id);
    if (ticket.kind === 'limited') return ticket;
    const verdict = await needs.proveAgain(account, change.current, ticket);
    if (verdict.kind === 'refused') return { kind: 'refused', ...(await ticket.failed()) };
    return replace(account, change, ticket, needs);
  };
}

/** What is written stays counted, and nothing else is. */
async function replace(
  account: Account,
  change: PasswordChange,
  ticket: Reservation,
  needs: ChangePasswordNeeds,
): Promise<ChangeOutcome> {
  let outcome: ChangeOutcome | undefined;
  try {
    outcome = await write(account, change, needs);
    return outcome;
  } finally {
    if (outcome?.kind === 'changed') await ticket.failed();
    else await ticket.returned();
  }
}

async function write(
  account: Account,
  change: PasswordChange,
  needs: ChangePasswordNeeds,
): Promise<ChangeOutcome> {
  const { hashing, store, log } = needs;
  const { id, passwordHash: old } = account;
  if (old && (await hashing.verify(old, change.next)) !== 'wrong') return { kind: 'same' };
  const hash = await hashing.hash(change.next);
  const { kind } = await store.commit(await unitOf(account, hash, change, needs));
  if (kind === 'committed') log.info({ account: id }, 'password changed');
  return { kind: kind === 'committed' ? 'changed' : 'void' };
}

/** The account as it was found is the condition: of changes side by side one is written. */
async function unitOf(
  { id, generation }: Account,
  hash: string,
  { session, browser }: PasswordChange,
  { accounts, sessions, knownBrowsers, passwords }: ChangePasswordNeeds,
): Promise<Unit> {
  const made = { hash, policyVersion: passwords.newest, at: now() };
  return [
    accounts.changePassword(id, generation, made),
    ...(await sessions.moveOn(id, generation + 1, session)),
    await knownBrowsers.forget(id, browser),
  ];
}
