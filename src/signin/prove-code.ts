// The code of a service account that has an authenticator: counted and spent as people's are.
import type { Audit } from '../domain/audit/audit.ts';
import { telling } from '../domain/audit/locks.ts';
import type { AuthenticatorsDomain } from '../domain/authenticators.ts';
import type { Reservation } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Visitor } from '../domain/limits/visitor.ts';
import type { ProveCode } from '../domain/service-accounts/codes.ts';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { currentRequest } from '../lib/request-context.ts';
import { createVerifyCode, TOTP, type VerifyCode } from '../methods/index.ts';
import { type Refusal, refused } from '../methods/method.ts';
import type { Store } from '../store/store.ts';
import { guarded } from './guarded.ts';

export interface ProveCodeNeeds {
  readonly store: Store;
  readonly limits: Pick<Limits, 'reserveCode'>;
  readonly audit: Audit;
  readonly log: Log;
  /** Those of service accounts. */
  readonly authenticators: AuthenticatorsDomain;
}

/** Throws `store_unavailable` when attempts cannot be counted. */
export function createProveCode(needs: ProveCodeNeeds): ProveCode {
  const verify = createVerifyCode(needs.authenticators, needs.log);
  return async (accountId, typed) => {
    if ((await needs.authenticators.count(accountId)) === 0) return { kind: 'not-asked' };
    const reserved = await needs.limits.reserveCode(accountId, false, machine());
    const ticket = await telling(reserved, needs.audit, { method: TOTP, accountId });
    if (ticket.kind === 'limited') return ticket;
    const refusal = await findRefusal({ accountId, typed }, ticket, verify, needs);
    if (refusal) {
      const remaining = await ticket.failed(refusal.burn);
      return { ...remaining, kind: 'refused', reason: refusal.reason };
    }
    await ticket.passed();
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
  ticket: Reservation,
  verify: VerifyCode,
  { store, log }: ProveCodeNeeds,
): Promise<Refusal | undefined> {
  if (typed === undefined) return refused('no code');
  const verdict = await guarded(() => verify(accountId, typed, now()), TOTP, ticket, log);
  if (verdict.kind === 'refused') return verdict;
  const outcome = await store.commit(verdict.spend);
  return outcome.kind === 'committed' ? undefined : refused('code used before');
}

/** It keeps no cookies: no browser is known, no device trusted. */
function machine(): Visitor {
  const { address = 'unknown', userAgent = '' } = currentRequest();
  return { address, userAgent, browser: undefined, devices: new Map() };
}
