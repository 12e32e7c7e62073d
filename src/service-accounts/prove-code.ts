// The code of a service account that has an authenticator: counted and spent as people's are.
import type { Audit } from '../domain/audit/audit.ts';
import { withLimitAudit } from '../domain/audit/locks.ts';
import type { Reservation } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Requester } from '../domain/limits/requester.ts';
import { type Rejection, rejected } from '../factors/factor.ts';
import { failClosed } from '../factors/fail-closed.ts';
import type { Authenticators } from '../factors/index.ts';
import { createVerifyCode, TOTP, type VerifyCode } from '../factors/index.ts';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { currentRequest } from '../lib/request-context.ts';
import type { Store } from '../store/store.ts';
import type { ProveCode } from './codes.ts';

export interface ProveCodeNeeds {
  readonly store: Store;
  readonly limits: Pick<Limits, 'reserveCode'>;
  readonly audit: Audit;
  readonly log: Log;
  /** Those of service accounts. */
  readonly authenticators: Authenticators;
}

/** Throws `store_unavailable` when attempts cannot be counted. */
export function createProveCode(needs: ProveCodeNeeds): ProveCode {
  const verify = createVerifyCode(needs.authenticators, needs.log);
  return async (accountId, typed) => {
    if ((await needs.authenticators.count(accountId)) === 0) return { kind: 'not-asked' };
    const reserved = await needs.limits.reserveCode(accountId, false, serviceAccount());
    const reservation = await withLimitAudit(reserved, needs.audit, { method: TOTP, accountId });
    if (reservation.kind === 'limited') return reservation;
    const refusal = await findRefusal({ accountId, typed }, reservation, verify, needs);
    if (refusal) {
      const remaining = await reservation.consume(refusal.burn);
      return { ...remaining, kind: 'refused', reason: refusal.reason };
    }
    await reservation.succeed();
    return { kind: 'proved' };
  };
}

interface Sent {
  readonly accountId: string;
  readonly typed: string | undefined;
}

/** Undefined: the code was right, and is spent. */
async function findRefusal(
  { accountId, typed }: Sent,
  reservation: Reservation,
  verify: VerifyCode,
  { store, log }: ProveCodeNeeds,
): Promise<Rejection | undefined> {
  if (typed === undefined) return rejected('no code');
  const verdict = await failClosed(() => verify(accountId, typed, now()), TOTP, reservation, log);
  if (verdict.kind === 'refused') return verdict;
  const isDone = await store.tryCommit(verdict.spend);
  return isDone ? undefined : rejected('code used before');
}

/** It keeps no cookies: no browser is known, no device trusted. */
function serviceAccount(): Requester {
  const { address = 'unknown', userAgent = '' } = currentRequest();
  return { address, userAgent, browser: undefined, devices: new Map() };
}
