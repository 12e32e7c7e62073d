// Every lock is told with its rule: once when it is reached, and with a count when it refuses.
import { toIso } from '../../lib/clock.ts';
import type { Unit } from '../../store/statement.ts';
import type { Limited, Reservation } from '../limits/attempt.ts';
import type { Remaining } from '../limits/remaining.ts';
import type { Audit } from './audit.ts';
import type { FoldedHow } from './folding.ts';

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

/**
 * A limit has been reached.
 * @param unless says that it was told already
 */
export function auditLimitReached(
  audit: Audit,
  lock: Lock,
  tried: Tried,
  unless: Unit,
): Promise<void> {
  return audit.write(lockedOf(LIMIT_REACHED, lock, tried), unless);
}

/** A limit has refused an attempt, which cost whoever made it nothing. */
export function auditLimitRefused(
  audit: Audit,
  lock: Lock,
  tried: Tried,
  how: FoldedHow = {},
): Promise<void> {
  return audit.fold(lockedOf(REFUSED_BY_LIMIT, lock, tried), how);
}

function lockedOf(reason: string, { rule, retryAt }: Lock, { method, ...whose }: Tried) {
  const until = retryAt === undefined ? undefined : toIso(retryAt);
  const detail = { rule, method, until };
  return { ...whose, kind: 'sign_in.locked', outcome: 'refused', reason, detail } as const;
}

/** The same ticket, which tells by itself. */
export async function withLimitAudit(
  reservation: Reservation | Limited,
  audit: Audit,
  tried: Tried,
): Promise<Reservation | Limited> {
  if (reservation.kind === 'limited') {
    await auditLimitRefused(audit, reservation, tried);
    return reservation;
  }
  const consume: Reservation['consume'] = async (also) => {
    const remaining = await reservation.consume(also);
    const claim = [reservation.claim(remaining)];
    if (remaining.left === 0) await auditLimitReached(audit, remaining, tried, claim);
    return remaining;
  };
  return { ...reservation, consume };
}
