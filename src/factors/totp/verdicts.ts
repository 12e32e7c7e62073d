// What a code is worth: right, old, of a clock that is off, or none of these.
import type { Rejection } from '../factor.ts';
import { type Fit, findFit, PERIOD } from './codes.ts';

/** One step either side. */
const TOLERATED = 1;
/** How many steps a code that has just gone may be old. */
const JUST_GONE = 3;
/** Ten minutes either side draw the hint about the clock. */
const HINTED = 20;

export type Verified =
  | { readonly kind: 'fits'; readonly step: number }
  /** Wrong, and the person can be told why; its step must never count again. */
  | { readonly kind: 'near'; readonly step: number; readonly hint: NonNullable<Rejection['hint']> }
  | { readonly kind: 'wrong' };

export function matchCode(secret: string, code: string, at: number): Verified {
  const right = findFit(secret, code, at, TOLERATED);
  if (right) return { kind: 'fits', step: right.step };
  const near = findFit(secret, code, at, HINTED);
  return near ? { kind: 'near', step: near.step, hint: hintOf(near) } : { kind: 'wrong' };
}

function hintOf({ distance }: Fit): NonNullable<Rejection['hint']> {
  if (distance < 0 && -distance <= JUST_GONE) return { key: 'totp.old' };
  const minutes = Math.max(1, Math.round((Math.abs(distance) * PERIOD) / 60));
  const direction = distance < 0 ? 'behind' : 'ahead';
  const key = `totp.clock-${direction}${minutes === 1 ? '-one' : ''}`;
  return { key, values: { minutes } };
}

/** Until when a step that was burnt could be asked for again. */
export function burntUntil(step: number): number {
  return (step + TOLERATED + 1) * PERIOD * 1000;
}
