// One look at a credential, whatever becomes of whoever looks.
import { assertInTime, type Reservation } from '../domain/limits/attempt.ts';
import { isGatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type Refusal, refused } from '../methods/method.ts';

/** Nothing was looked at: there was no place in the queue, or no store to read from. */
export function isNoLook(error: unknown): boolean {
  return isGatehouseError(error, 'busy') || isGatehouseError(error, 'store_unavailable');
}

/** An exception in a verifier is a refusal: never a pass, and no 500 that tells it apart. */
export async function guarded<Verdict>(
  look: () => Promise<Verdict>,
  method: string,
  ticket: Reservation,
  log: Log,
): Promise<Verdict | Refusal> {
  try {
    const verdict = await look();
    assertInTime(ticket);
    return verdict;
  } catch (error) {
    assertInTime(ticket);
    if (isNoLook(error)) {
      await ticket.returned().catch(() => log.warn('an attempt could not be given back'));
      throw error;
    }
    log.error({ err: error, method }, 'a verifier failed');
    return refused('verifier failed');
  }
}
