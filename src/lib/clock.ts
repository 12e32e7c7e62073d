// The one clock: every time in Gatehouse is a number of UTC milliseconds that came from here.

const RealDate = Date;
let offset = 0;
let correction = 0;

/** Milliseconds since 1970 (UTC), moved by the test clock where one is installed. */
export function now(): number {
  return machineTime() + offset;
}

/** Milliseconds since 1970 as all nodes have them: no test moves them. */
export function machineTime(): number {
  return RealDate.now() + correction;
}

/** Milliseconds since 1970 as this machine has them, right or wrong. */
export function uncorrectedTime(): number {
  return RealDate.now();
}

/** Whole seconds since 1970, as JWT and the oidc-provider models count. */
export function nowSeconds(): number {
  return Math.floor(now() / 1000);
}

/** `2026-01-31T12:00:00.000Z` for a time in milliseconds. */
export function toIso(milliseconds: number): string {
  return new RealDate(milliseconds).toISOString();
}

/** Milliseconds of a time that {@link toIso} or a person wrote; NaN for what is none. */
export function fromIso(text: string): number {
  return RealDate.parse(text);
}

/** Milliseconds of a clock that only runs forward and that no test moves: for durations. */
export function elapsed(): number {
  return performance.now();
}

/** From now on this process is so many milliseconds ahead of its machine. */
export function correctClock(milliseconds: number): void {
  if (milliseconds !== 0) replaceDate();
  correction = milliseconds;
}

/**
 * Replaces the global `Date`, because oidc-provider, jose and others read it, by one that tells
 * {@link now}: for the test clock, and on machines whose own clock is wrong.
 */
export function replaceDate(): void {
  class TestDate extends RealDate {
    constructor(...args: unknown[]) {
      if (args.length === 0) super(now());
      else super(...(args as [number]));
    }
    static override now(): number {
      return now();
    }
  }
  // Once: each would be asked through the one before.
  if (globalThis.Date !== RealDate) return;
  globalThis.Date = TestDate as DateConstructor;
}

/** Sets how far the test clock runs ahead of the real one, in milliseconds. */
export function moveTestClock(milliseconds: number): void {
  offset = milliseconds;
}
