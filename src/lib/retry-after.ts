// When to come back: whole seconds, as the Retry-After header has them (RFC 9110, 10.2.3).
import { now } from './clock.ts';

/** Whole seconds until a time, one at least. @param at milliseconds */
export function secondsUntil(at: number): number {
  return Math.max(1, Math.ceil((at - now()) / 1000));
}

/** The response of whatever framework carries it. */
interface HasHeaders {
  set(name: string, value: string): unknown;
}

/** @param seconds none where time alone does not help */
export function setRetryAfter(to: HasHeaders | undefined, seconds: number | undefined): void {
  if (seconds !== undefined) to?.set('Retry-After', String(seconds));
}
