// What a verified assertion costs: itself, its key's use, and the code beside it.

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
  /** For the audit. */
  readonly reason: string;
  /** What the caller is told: `invalid_grant`, and nothing more, unless it says otherwise. */
  readonly error?: Error;
  /** A limit has counted it, so that there cannot be many. */
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

/** The order decides what a refusal costs: what is asked too much for costs neither key nor code. */
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

/** Told as it is: only who holds the key gets so far. */
function tooMuch(target: Exclude<Target, { kind: 'target' }>): AssertionRejected {
  if (target.kind === 'invalid-target') {
    return refused('the resource is not allowed', new errors.InvalidTarget());
  }
  const error = new errors.InvalidScope('requested scope is not allowed', target.scope);
  return refused('a scope is not allowed', error);
}

/** Longer than anybody can show the assertion again, also where clocks of nodes differ. */
const KEPT = 2 * SKEW;

/** For the audit. */
export const ENDED_MEANWHILE = 'account or key ended or changed meanwhile';

/** The assertion is spent, and its key still stands, in one unit: undefined if both hold. */
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

/** Must hit: the account is active and as it was, and its key counts, until the unit is over. */
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
