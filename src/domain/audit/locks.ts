// Every lock is told with its rule: once when it is reached, and whenever it refuses an attempt.
import { toIso } from '../../lib/clock.ts';
import type { Unit } from '../../store/statement.ts';
import type { Limited, Reservation } from '../limits/attempt.ts';
import type { Remaining } from '../limits/remaining.ts';
import type { Audit } from './audit.ts';

export const REFUSED_BY_LIMIT = 'attempt refused by a limit';
export const LIMIT_REACHED = 'limit reached';

export type Lock = Pick<Remaining, 'rule' | 'retryAt'>;

export interface Tried {
  /** What was tried: the name of a method, or of something else that is limited. */
  readonly method: string;
  readonly accountId?: string | undefined;
  readonly flowId?: string | undefined;
  readonly clientId?: string | undefined;
}

/** @param unless says that it was told already */
export function tellLock(
  audit: Audit,
  reason: string,
  { rule, retryAt }: Lock,
  { method, ...whose }: Tried,
  unless: Unit = [],
): Promise<void> {
  const until = retryAt === undefined ? undefined : toIso(retryAt);
  const detail = { rule, method, until };
  const locked = { kind: 'sign_in.locked', outcome: 'refused', reason, detail } as const;
  return audit.write({ ...whose, ...locked }, unless);
}

/** The same ticket, which tells by itself. */
export async function telling(
  ticket: Reservation | Limited,
  audit: Audit,
  tried: Tried,
): Promise<Reservation | Limited> {
  if (ticket.kind === 'limited') {
    await tellLock(audit, REFUSED_BY_LIMIT, ticket, tried);
    return ticket;
  }
  const failed: Reservation['failed'] = async (also) => {
    const remaining = await ticket.failed(also);
    const claim = [ticket.claim(remaining)];
    if (remaining.left === 0) await tellLock(audit, LIMIT_REACHED, remaining, tried, claim);
    return remaining;
  };
  return { ...ticket, failed };
}
