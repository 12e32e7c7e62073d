// A new password by choice: the current one proved again, and everywhere but here all ends.

import type { KnownBrowsers } from '../domain/accounts/known-browsers.ts';
import type { Audit } from '../domain/audit/audit.ts';
import { withLimitAudit } from '../domain/audit/locks.ts';
import type { Limited, Reservation } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { Notices } from '../domain/notices/notices.ts';
import type { Hashing } from '../domain/passwords/hashing.ts';
import type { PasswordPolicy, Rule } from '../domain/passwords/policy.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import type { Rejection } from '../factors/factor.ts';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
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
  readonly accountTable: AccountTable;
  readonly sessions: Sessions;
  readonly knownBrowsers: KnownBrowsers;
  readonly passwords: PasswordPolicy;
  readonly hashing: Hashing;
  readonly limits: Limits;
  readonly proveAgain: ProveAgain;
  readonly audit: Audit;
  readonly notices: Notices;
  readonly log: Log;
}

/** Throws `busy` when too many passwords are being hashed. */
export type ChangePassword = (account: Account, change: PasswordChange) => Promise<ChangeOutcome>;

export function createChangePassword(needs: ChangePasswordNeeds): ChangePassword {
  return async (account, change) => {
    const { met, rules } = needs.passwords.checkPassword(change.next, account);
    const unmet = rules.filter((each) => !each.met).map(({ rule }) => rule);
    if (!met) return { kind: 'unmet', rules: unmet };
    const reservation = await reserve(account, needs);
    if (reservation.kind === 'limited') return reservation;
    const verdict = await needs.proveAgain(account, change.current, reservation);
    if (verdict.kind === 'refused' && verdict.closed) return endLateSignIn(reservation);
    if (verdict.kind === 'refused') return refuse(account, verdict, reservation, needs);
    return replace(account, change, reservation, needs);
  };
}

/** Reserved before the current password is looked at. */
async function reserve({ id }: Account, { limits, audit }: ChangePasswordNeeds) {
  const reserved = await limits.reservePasswordChange(id);
  return withLimitAudit(reserved, audit, { method: 'password-change', accountId: id });
}

/** The account was suspended a moment ago: the password was right, and the session is over. */
async function endLateSignIn(reservation: Reservation): Promise<ChangeOutcome> {
  await reservation.release();
  return { kind: 'void' };
}

async function refuse(
  { id }: Account,
  { reason }: Rejection,
  reservation: Reservation,
  { audit, log }: ChangePasswordNeeds,
): Promise<ChangeOutcome> {
  log.info({ account: id, reason }, 'password not changed');
  const remaining = await reservation.consume();
  await audit.write({ kind: 'password.changed', outcome: 'refused', reason, accountId: id });
  return { kind: 'refused', ...remaining };
}

/** What is written stays counted, and nothing else is. */
async function replace(
  account: Account,
  change: PasswordChange,
  reservation: Reservation,
  needs: ChangePasswordNeeds,
): Promise<ChangeOutcome> {
  let outcome: ChangeOutcome | undefined;
  try {
    outcome = await write(account, change, needs);
    return outcome;
  } finally {
    if (outcome?.kind === 'changed') await reservation.consume();
    else await reservation.release();
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
  const isDone = await store.tryCommit(await unitOf(account, hash, change, needs));
  if (isDone) log.info({ account: id }, 'password changed');
  return { kind: isDone ? 'changed' : 'void' };
}

/** The account as it was found is the condition: of changes side by side one is written. */
async function unitOf(
  account: Account,
  hash: string,
  { session, browser }: PasswordChange,
  { accountTable, sessions, knownBrowsers, passwords, audit, notices }: ChangePasswordNeeds,
): Promise<Unit> {
  const { id, generation } = account;
  const made = { hash, policyVersion: passwords.newest, at: now() };
  return [
    accountTable.changePassword(id, generation, made),
    ...(await sessions.endOthers(id, generation + 1, session, 'password changed')),
    await knownBrowsers.forget(id, browser),
    audit.record({ kind: 'password.changed', accountId: id }),
    notices.noticeFor(account, { kind: 'password-changed' }),
  ];
}
