// One look at a credential, whatever becomes of whoever looks.
import { assertInTime, type Reservation } from '../domain/limits/attempt.ts';
import { isGatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type Rejection, rejected } from './factor.ts';

/** Nothing was looked at: there was no place in the queue, or no store to read from. */
export function isNotEvaluated(error: unknown): boolean {
  return isGatehouseError(error, 'busy') || isGatehouseError(error, 'store_unavailable');
}

/**
 * Turns an exception in a verifier into a refusal: never a pass, and no 500 that sets it apart.
 * @param reservation given back where nothing was looked at; undefined where nobody could guess
 */
export async function failClosed<Verdict>(
  look: () => Promise<Verdict>,
  method: string,
  reservation: Reservation | undefined,
  log: Log,
): Promise<Verdict | Rejection> {
  try {
    const verdict = await look();
    if (reservation) assertInTime(reservation);
    return verdict;
  } catch (error) {
    if (reservation) assertInTime(reservation);
    if (isNotEvaluated(error)) {
      await reservation?.release().catch(() => log.warn('an attempt could not be given back'));
      throw error;
    }
    log.error({ err: error, method }, 'a verifier failed');
    return rejected('verifier failed');
  }
}
