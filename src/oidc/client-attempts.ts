// Limits guesses of client secrets and user codes.

import { errors } from 'oidc-provider';
import type { Audit } from '../domain/audit/audit.ts';
import { withLimitAudit } from '../domain/audit/locks.ts';
import { type Limited, settle } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import { now } from '../lib/clock.ts';
import { currentRequest } from '../lib/request-context.ts';
import { secondsUntil, setRetryAfter } from '../lib/retry-after.ts';
import type { CurrentContext } from './types.ts';

export interface AttemptNeeds {
  readonly limits: Pick<Limits, 'reserveClientSecret' | 'reserveUserCode'>;
  readonly audit: Audit;
  readonly current: CurrentContext;
}

/** Throws if there were too many. */
export type CountWrongSecret = (clientId: string) => Promise<void>;

/**
 * Counts wrong secrets only. A secret of 256 random bits can't be guessed, so it's compared first:
 * a correct secret is never refused and writes nothing.
 */
export function createCountWrongSecret({ limits, audit, current }: AttemptNeeds): CountWrongSecret {
  return async (clientId) => {
    const reserved = await limits.reserveClientSecret(addressOfCaller());
    const reservation = await withLimitAudit(reserved, audit, {
      method: 'client-secret',
      clientId,
    });
    if (reservation.kind === 'limited') throw tooManySecrets(reservation, current);
    await reservation.consume();
    const detail = { endpoint: current()?.oidc.route };
    const refused = { kind: 'client.refused', outcome: 'refused', reason: 'wrong secret' } as const;
    await audit.fold({ ...refused, clientId, detail });
  };
}

/**
 * Status 429 (RFC 6585, 4) with the error code for a client that failed to authenticate (RFC 6749,
 * 5.2).
 */
function tooManySecrets(limited: Limited, current: CurrentContext): Error {
  setRetryAfter(current(), secondsUntil(limited.retryAt ?? now()));
  const description = 'too many failed attempts, try again later';
  const error = new errors.CustomOIDCProviderError('invalid_client', description);
  return Object.assign(error, { status: 429, statusCode: 429 });
}

/**
 * User codes are short enough to type, and so to guess: an attempt is reserved before the look-up.
 */
export type LookUpUserCode = <T>(look: () => Promise<T | undefined>) => Promise<T | undefined>;

export function createLookUpUserCode({ limits, audit }: AttemptNeeds): LookUpUserCode {
  return async (look) => {
    const reserved = await limits.reserveUserCode(addressOfCaller());
    const reservation = await withLimitAudit(reserved, audit, { method: 'user-code' });
    if (reservation.kind === 'limited') throw new UserCodesLimited(reservation);
    return settle(reservation, look);
  };
}

/** Has the fields that oidc-provider needs to show it on the page with the form. */
export class UserCodesLimited extends Error {
  readonly limited: Limited;
  readonly status = 429;
  readonly statusCode = 429;
  readonly expose = true;

  constructor(limited: Limited) {
    super('slow_down');
    this.limited = limited;
  }
}

function addressOfCaller(): string {
  return currentRequest().address ?? 'unknown';
}
