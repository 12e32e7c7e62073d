// Events and the state of an account, in words for the operator who asks.
import type { AuditRow } from '../../domain/audit/audit.ts';
import { type Repeated, repeatedOf } from '../../domain/audit/folding.ts';
import { type AuditKind, isAuditKind } from '../../domain/audit/kinds.ts';
import type { Closed } from '../../domain/limits/limits.ts';
import { now, toIso } from '../../lib/clock.ts';
import type { Account } from '../../store/accounts.ts';

type Words = string | { readonly ok: string; readonly refused: string };

const WORDS: Readonly<Record<AuditKind, Words>> = {
  'sign_in.password': { ok: 'The password was right', refused: 'The password was refused' },
  'sign_in.migration': {
    ok: 'New password accepted, pending the end of the sign-in',
    refused: 'A new password was refused',
  },
  'sign_in.factor': { ok: 'The second factor was right', refused: 'The second factor was refused' },
  'sign_in.finished': { ok: 'Signed in', refused: 'Sign-in stopped' },
  'sign_in.locked': 'Limited',
  'factor.enrolled': 'A second factor was enrolled',
  'factor.removed': 'A second factor was removed',
  'backup_code.used': 'A backup code was used',
  'backup_codes.renewed': 'New backup codes were made',
  'device.trusted': 'Device trusted',
  'device.ended': 'Trusted device removed',
  'session.ended': 'A session ended',
  'password.changed': {
    ok: 'The password was changed',
    refused: 'The password was not changed',
  },
  'password.reset': 'The password was reset',
  'consent.granted': { ok: 'Access granted', refused: 'Access denied' },
  'consent.revoked': 'Access revoked',
  'token.issued': 'Tokens were issued',
  'token.refreshed': 'Tokens were refreshed',
  'token.reuse': 'A code or token was reused, so its tokens were revoked',
  'service_account.token': {
    ok: 'A token was issued to the service account',
    refused: 'The service account was refused',
  },
  'client.refused': 'The client was refused',
  'account.created': 'The account was created',
  'account.imported': 'The account was imported',
  'account.updated': 'The profile of the account was changed',
  'account.suspended': 'The account was suspended',
  'account.activated': 'The account was activated',
  'account.unlocked': 'The account was unlocked',
  'account.addresses_changed': 'Allowed networks changed',
  'account.deleted': 'The account was deleted',
  'account.sign_in_disowned': "The owner reported a sign-in that wasn't theirs",
  'admin.reset_2fa': 'The second factor was reset',
  'admin.reset_password': 'The password was reset by an administrator',
  'admin.deadline_moved': 'The deadline for a second factor was moved',
  'admin.client_created': 'The client was created',
  'admin.client_updated': 'The client was changed',
  'admin.client_secret_rotated': 'Client secret rotated',
  'admin.client_secret_revoked': 'Old client secret revoked',
  'admin.client_disabled': 'The client was disabled',
  'admin.client_enabled': 'The client was enabled',
  'admin.client_deleted': 'The client was deleted',
  'admin.service_account_created': 'The service account was created',
  'admin.service_account_enabled': 'The service account was enabled',
  'admin.service_account_disabled': 'The service account was disabled',
  'admin.service_account_deleted': 'The service account was deleted',
  'admin.service_account_key_added': 'Key added to the service account',
  'admin.service_account_key_revoked': 'A key of the service account was revoked',
  'admin.service_account_totp_reset': 'New TOTP secret for the service account',
  'admin.service_account_updated': 'The service account was changed',
  'admin.service_account_unlocked': 'The service account was unlocked',
  'admin.key_rotated': 'Signing key created',
  'admin.key_retired': 'A signing key was retired',
  'admin.audit_exported': 'The audit was exported',
};

/** `The password was right (policy: unmet; due: new-password).` */
export function describeEvent(row: AuditRow): string {
  const { kind, outcome, reason } = row;
  const words = isAuditKind(kind) ? WORDS[kind] : kind;
  const what = typeof words === 'string' ? words : words[outcome];
  const repeated = repeatedOf(row);
  const { repeated: _, since: __, first: ___, ...once } = row.detail;
  const detail = repeated ? once : row.detail;
  const facts = Object.entries(detail).map(([name, value]) => `${name}: ${describeValue(value)}`);
  const why = reason === undefined ? '' : `: ${reason}`;
  const often = repeated ? `, ${describeTimes(repeated)}` : '';
  return `${what}${why}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}${often}.`;
}

function describeTimes({ repeated, since }: Repeated): string {
  return `${repeated} more ${repeated === 1 ? 'time' : 'times'} since ${since}`;
}

function describeValue(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : String(value);
}

export interface AccountState {
  readonly account: Account;
  /** Names of its second factors. */
  readonly states: readonly string[];
  readonly closed: readonly Closed[];
}

export function describeState({ account, states, closed }: AccountState): string[] {
  return [
    describeStatus(account),
    describePassword(account),
    describeFactors(account, states),
    ...describeNetworks(account),
    ...closed.map(describeLimit),
  ];
}

function describeStatus({ status, lockedUntil }: Account): string {
  if (status === 'active') return 'Active.';
  if (status === 'suspended') return 'Suspended.';
  return lockedUntil === undefined
    ? 'Locked until an operator unlocks it.'
    : `Locked until ${toIso(lockedUntil)}.`;
}

function describePassword({ passwordHash, knownPolicyVersion }: Account): string {
  if (passwordHash === undefined) return 'No password set.';
  return knownPolicyVersion === undefined
    ? 'Password strength unknown until next sign-in.'
    : `Password meets policy version ${knownPolicyVersion}.`;
}

function describeFactors({ mfaDeadline }: Account, states: readonly string[]): string {
  if (states.length > 0) return `Second factor: ${states.join(', ')}.`;
  if (mfaDeadline === undefined) return 'No second factor.';
  const ends = mfaDeadline > now() ? 'ends' : 'ended';
  return `No second factor. Grace period ${ends} on ${toIso(mfaDeadline)}.`;
}

function describeNetworks({ allowedAddresses }: Account): string[] {
  const ranges = allowedAddresses.join(', ');
  return ranges === '' ? [] : [`Allowed networks: ${ranges}.`];
}

export function describeLimit({ rule, failures, until }: Closed): string {
  const end = until === undefined ? 'until an operator unlocks it' : `until ${toIso(until)}`;
  return `Locked by rule \`${rule}\` ${end} (${failures} failures).`;
}
