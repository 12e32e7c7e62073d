// RFC 6238 as authenticator apps have it: SHA-1, six digits, steps of thirty seconds.
import { createGuardrails, verifySync } from 'otplib';

/** Seconds. */
export const PERIOD = 30;
const MILLISECONDS = 1000;
/** Imported secrets may be as short as this; ours never are. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 10 });

export interface Fit {
  readonly step: number;
  /** Steps from the present one; negative: older. */
  readonly distance: number;
}

/**
 * The step that a code fits, at most `reach` steps from the present one.
 * @param secret base32
 * @param at milliseconds
 */
export function findFit(secret: string, code: string, at: number, reach: number): Fit | undefined {
  const epoch = Math.floor(at / MILLISECONDS);
  const epochTolerance = reach * PERIOD;
  const found = verifySync({ secret, token: code, epoch, epochTolerance, guardrails });
  if (!found.valid) return undefined;
  const step = Math.floor(epoch / PERIOD) + found.delta;
  return { step, distance: found.delta };
}
