// Spends a verified assertion: the assertion itself, a use of its key, and the code beside it.

import { errors } from 'oidc-provider';
import { REFUSED_BY_LIMIT } from '../domain/audit/locks.ts';
import { now, toIso } from '../lib/clock.ts';
import { secondsUntil, setRetryAfter } from '../lib/retry-after.ts';
import type { Vault } from '../lib/vault.ts';
import { SKEW } from '../service-accounts/assertion-claims.ts';
import type { VerifiedAssertion } from '../service-accounts/assertions.ts';
import type { CodeOutcome, ProveCode } from '../service-accounts/codes.ts';
import type { ServiceAccount, ServiceAccountTable } from '../service-accounts/table.ts';
import type { ArtifactTable } from '../store/artifacts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { artifactKey } from './artifacts.ts';
import type { AskedForToken } from './jwt-bearer-request.ts';
import type { JwtBearerRequest } from './service-account-client.ts';
import type { Target } from './service-account-target.ts';
import type { Ctx } from './types.ts';

export interface SpendingNeeds {
  readonly store: Store;
  readonly vault: Vault;
  readonly proveCode: ProveCode;
  readonly tables: {
    readonly artifactTable: Pick<ArtifactTable, 'insertOnce'>;
    readonly serviceAccountTable: Pick<ServiceAccountTable, 'guard' | 'useKey'>;
  };
}

export interface AssertionRejected {
  readonly kind: 'refused';
  /** For the audit only. */
  readonly reason: string;
  /** The answer to the caller; by default, a plain `invalid_grant`. */
  readonly error?: Error;
  /** A limit counted it, so there can't be many. */
  readonly isCounted?: boolean;
}

export interface Attempt {
  readonly ctx: Ctx;
  readonly request: JwtBearerRequest;
  readonly asked: AskedForToken;
  readonly verdict: VerifiedAssertion;
  readonly target: Target;
}

export type Spent =
  | { readonly kind: 'spent'; readonly asks: Pick<AskedForToken, 'resource' | 'scope'> }
  | AssertionRejected;

/**
 * The order of the checks decides what a refusal costs. Asking for too much spends neither the key
 * nor the code.
 */
export async function spend(attempt: Attempt, needs: SpendingNeeds): Promise<Spent> {
  const { request, asked, verdict, target } = attempt;
  const { id } = verdict.account;
  if ((request.sentClientId ?? id) !== id) return refused('client_id is not iss');
  if (target.kind !== 'target') return tooMuch(target);
  const lost = await findLost(verdict, needs);
  if (lost !== undefined) return refused(lost);
  const outcome = await needs.proveCode(id, asked.mfaCode);
  if (outcome.kind === 'refused' || outcome.kind === 'limited') return reject(attempt, outcome);
  const { resource, scope } = target;
  return { kind: 'spent', asks: { resource, scope } };
}

export const refused = (reason: string, error?: Error): AssertionRejected => ({
  kind: 'refused',
  reason,
  ...(error ? { error } : {}),
});

/** Says what is wrong, because only the holder of the key gets this far. */
function tooMuch(target: Exclude<Target, { kind: 'target' }>): AssertionRejected {
  if (target.kind === 'invalid-target') {
    return refused('the resource is not allowed', new errors.InvalidTarget());
  }
  const error = new errors.InvalidScope('requested scope is not allowed', target.scope);
  return refused('a scope is not allowed', error);
}

/**
 * Seconds beyond its expiry for which an assertion is remembered: longer than anybody can
 * present it again, even if the clocks of nodes differ.
 */
const KEPT = 2 * SKEW;

export const ENDED_MEANWHILE = 'account or key ended or changed meanwhile';

/**
 * Spends the assertion and checks that its account and key still count, in one unit.
 * @returns why it can't be used; undefined if it can
 */
async function findLost(
  { account, kid, jti, exp }: VerifiedAssertion,
  { store, vault, tables }: SpendingNeeds,
): Promise<string | undefined> {
  const model = 'Assertion';
  const key = artifactKey(vault, model, `${account.id}\0${jti}`);
  const shown = { model, key, payload: {}, expiresAt: (exp + KEPT) * 1000 };
  const spent = tables.artifactTable.insertOnce(shown, now());
  const outcome = await store.commit([spent, ...standing(account, kid, tables)]);
  if (outcome.kind === 'committed') return undefined;
  return outcome.at === 0 ? 'assertion used before' : ENDED_MEANWHILE;
}

/** Fails the unit unless the account is active and unchanged and the key counts. */
export function standing(
  account: Pick<ServiceAccount, 'id' | 'generation'>,
  kid: string,
  { serviceAccountTable }: SpendingNeeds['tables'],
): Unit {
  return [serviceAccountTable.guard(account), serviceAccountTable.useKey(account.id, kid, now())];
}

type WrongCode = Extract<CodeOutcome, { kind: 'refused' | 'limited' }>;

function reject({ ctx, request }: Attempt, outcome: WrongCode): AssertionRejected {
  const isLimited = outcome.kind === 'limited';
  const resetAt = isLimited ? outcome.retryAt : outcome.resetAt;
  request.refusal = {
    attempts_remaining: isLimited ? 0 : outcome.left,
    reset_at: resetAt === undefined ? null : toIso(resetAt),
  };
  if (isLimited && resetAt !== undefined) setRetryAfter(ctx, secondsUntil(resetAt));
  const reason = isLimited ? REFUSED_BY_LIMIT : `mfa_code: ${outcome.reason}`;
  return { ...refused(reason), isCounted: !isLimited };
}
