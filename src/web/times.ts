// Times as pages say them without script: in UTC, with the zone named.
import { now, toIso } from '../lib/clock.ts';

export interface Time {
  readonly iso: string;
  readonly text: string;
}

const SECOND = 1_000;
const MINUTE = 60_000;
const DAY = 86_400_000;

/** `14:32 UTC`, with the day unless it is today; never earlier than it is. */
export function timeOf(at: number): Time {
  return upTo(at, MINUTE, {});
}

/** `14:32:07 UTC`, for what is over in seconds. */
export function secondOf(at: number): Time {
  return upTo(at, SECOND, { second: '2-digit' });
}

function upTo(at: number, unit: number, finer: Intl.DateTimeFormatOptions): Time {
  const rounded = Math.ceil(at / unit) * unit;
  const text = new Intl.DateTimeFormat('en-GB', {
    ...(isToday(rounded) ? {} : { weekday: 'long', day: 'numeric', month: 'long' }),
    hour: '2-digit',
    minute: '2-digit',
    ...finer,
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(rounded);
  return { iso: toIso(at), text };
}

/** `Sunday, 29 November`, with the year unless it is this one. */
export function dateOf(at: number): Time {
  const parts = new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...yearOf(at),
    timeZone: 'UTC',
  });
  return { iso: toIso(at), text: parts.format(at).replace(/^(\w+) /, '$1, ') };
}

/** `29 November`, with the year unless it is this one. */
export function dayOf(at: number): Time {
  const format = { day: 'numeric', month: 'long', ...yearOf(at), timeZone: 'UTC' } as const;
  return { iso: toIso(at), text: new Intl.DateTimeFormat('en-GB', format).format(at) };
}

/** `14:32 UTC`, with the day unless it is today: when something was, never later than it was. */
export function momentOf(at: number): Time {
  const text = new Intl.DateTimeFormat('en-GB', {
    ...(isToday(at) ? {} : { day: 'numeric', month: 'long', ...yearOf(at) }),
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(at);
  return { iso: toIso(at), text };
}

/** Whole days until then, begun ones included: a day left is left until it is over. */
export function daysUntil(at: number): number {
  return Math.max(0, Math.ceil((at - now()) / DAY));
}

const isToday = (at: number) => toIso(at).slice(0, 10) === toIso(now()).slice(0, 10);
const isThisYear = (at: number) => toIso(at).slice(0, 4) === toIso(now()).slice(0, 4);
const yearOf = (at: number) => (isThisYear(at) ? {} : ({ year: 'numeric' } as const));

/** `15 minutes`, `1 hour`: in the largest unit that gives a whole number. */
export function describeLength(milliseconds: number): string {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1_000, 'second'],
  ] as const;
  const [size, unit] = units.find(([each]) => milliseconds % each === 0) ?? [1_000, 'second'];
  const format = { style: 'unit', unit, unitDisplay: 'long' } as const;
  return new Intl.NumberFormat('en', format).format(Math.ceil(milliseconds / size));
}
