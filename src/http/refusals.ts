// How a page says that a credential was wrong, how often it may still be, and when to come back.
import type { Limited } from '../domain/limits/attempt.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import { now, toIso } from '../lib/clock.ts';
import type { Translate } from './texts.ts';

export interface Alert {
  readonly kind: 'error';
  readonly text: string;
  readonly retryAt?: { readonly iso: string; readonly text: string };
}

export interface Refusal {
  readonly status: 422 | 429;
  /** Whole seconds. */
  readonly retryAfter?: number;
  readonly alert: Alert;
}

type Refused = { readonly kind: 'refused' } & Remaining;

/** The same words whether there is such an account or not. */
export function refusalOf(outcome: Refused | Limited, step: string, t: Translate): Refusal {
  return outcome.kind === 'limited' ? limited(outcome, t) : refused(outcome, step, t);
}

function limited({ retryAt }: Limited, t: Translate): Refusal {
  if (retryAt === undefined) return { status: 429, alert: alertOf(t('limits.closed'), undefined) };
  const retryAfter = Math.max(1, Math.ceil((retryAt - now()) / 1000));
  return { status: 429, retryAfter, alert: alertOf(t('limits.limited'), retryAt) };
}

function refused({ left, retryAt, pause }: Refused, step: string, t: Translate): Refusal {
  const what = t(`${step}.refused`);
  if (left > 0) {
    const again = t(`${step}.again`);
    return { status: 422, alert: alertOf(`${what} ${again} ${leftInWords(left, pause, t)}`) };
  }
  const why = t(retryAt === undefined ? 'limits.closed' : 'limits.none-left');
  return { status: 422, alert: alertOf(`${what} ${why}`, retryAt) };
}

function alertOf(text: string, retryAt?: number): Alert {
  if (retryAt === undefined) return { kind: 'error', text };
  return { kind: 'error', text, retryAt: { iso: toIso(retryAt), text: timeInWords(retryAt) } };
}

function leftInWords(left: number, pause: number | undefined, t: Translate): string {
  const attempts = t(left === 1 ? 'limits.attempt' : 'limits.attempts', { count: left });
  if (pause === undefined) return t('limits.left', { attempts });
  return t('limits.left-before-pause', { attempts, pause: lengthInWords(pause) });
}

/** `15 minutes`, `1 hour`: in the largest unit that gives a whole number. */
function lengthInWords(milliseconds: number): string {
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

const MINUTE = 60_000;

/** `14:32 UTC`, with the day unless it is today; never earlier than it is. */
function timeInWords(at: number): string {
  const rounded = Math.ceil(at / MINUTE) * MINUTE;
  const isToday = dayOf(rounded) === dayOf(now());
  return new Intl.DateTimeFormat('en-GB', {
    ...(isToday ? {} : { weekday: 'long', day: 'numeric', month: 'long' }),
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(rounded);
}

const dayOf = (at: number) => toIso(at).slice(0, 10);
