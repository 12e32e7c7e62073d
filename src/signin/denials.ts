// How a page says that a credential was wrong, how often it may still be, and when to come back.

import type { Limited } from '../domain/limits/attempt.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { Rejection } from '../factors/factor.ts';
import { now } from '../lib/clock.ts';
import { secondsUntil } from '../lib/retry-after.ts';
import type { Translate } from '../web/catalogue.ts';
import type { Alert } from '../web/flash.ts';
import { describeLength, secondOf, timeOf } from '../web/times.ts';
import type { Malformed, NotAllowed } from './prove.ts';

export interface DenialView {
  readonly status: 422 | 429;
  /** Whole seconds. */
  readonly retryAfter?: number;
  readonly alert: Alert;
}

type Hint = Rejection['hint'];
type Refused = { readonly kind: 'refused'; readonly hint?: Hint } & Remaining;

/**
 * The same words whether there is such an account or not.
 * @param texts where the catalogue has them for this method
 */
export function refusalOf(outcome: Refused | Limited, texts: string, t: Translate): DenialView {
  return outcome.kind === 'limited' ? limited(outcome, t) : refused(outcome, texts, t);
}

/** The credential was right, and does not open the account. */
export function notAllowedAlert({ code }: NotAllowed, t: Translate): Alert {
  return { kind: 'error', text: t(`errors.${code}`), asks: code === 'account_suspended' };
}

/** What a person may know of a wrong code besides, or that it was wrong. */
export function describeWrong(hint: Hint, texts: string, t: Translate): string {
  return hint ? t(hint.key, hint.values) : `${t(`${texts}.refused`)} ${t(`${texts}.again`)}`;
}

/** What cannot be a code of this kind, and where it belongs if it can be one of another. */
export function describeMalformed(
  { flaw, instead }: Pick<Malformed, 'flaw' | 'instead'>,
  t: Translate,
): string {
  return instead ? t('second-factor.elsewhere', { where: t(instead.page.link) }) : t(flaw);
}

function limited({ retryAt }: Limited, t: Translate): DenialView {
  if (retryAt === undefined) return { status: 429, alert: alertOf(t('limits.closed'), undefined) };
  const retryAfter = secondsUntil(retryAt);
  const text = isSoon(retryAt)
    ? t('limits.paced', { wait: waitUntil(retryAt) })
    : t('limits.limited');
  return { status: 429, retryAfter, alert: alertOf(text, retryAt) };
}

/** A message was asked for too soon, or too often. */
export function tooManyOf(
  { rule, retryAt = now() }: Limited,
  texts: string,
  t: Translate,
): DenialView {
  const key = rule === 'texts-pause' ? 'too-soon' : 'too-many';
  const retryAfter = secondsUntil(retryAt);
  return { status: 429, retryAfter, alert: alertOf(t(`${texts}.${key}`), retryAt) };
}

function refused({ left, retryAt, pause, hint }: Refused, texts: string, t: Translate): DenialView {
  const what = hint ? t(hint.key, hint.values) : t(`${texts}.refused`);
  if (left > 0) {
    const wrong = describeWrong(hint, texts, t);
    return { status: 422, alert: alertOf(`${wrong} ${describeLeft(left, pause, t)}`) };
  }
  return { status: 422, alert: alertOf(`${what} ${describeNoneLeft(retryAt, t)}`, retryAt) };
}

function describeNoneLeft(retryAt: number | undefined, t: Translate): string {
  if (retryAt === undefined) return t('limits.closed');
  return isSoon(retryAt) ? t('limits.wait', { wait: waitUntil(retryAt) }) : t('limits.none-left');
}

/** A pause of seconds is told in seconds. */
const SOON = 60;

function isSoon(at: number): boolean {
  return secondsUntil(at) <= SOON;
}

function waitUntil(at: number): string {
  return describeLength(secondsUntil(at) * 1000);
}

function alertOf(text: string, retryAt?: number): Alert {
  if (retryAt === undefined) return { kind: 'error', text };
  const time = isSoon(retryAt) ? secondOf(retryAt) : timeOf(retryAt);
  return { kind: 'error', text, retryAt: { ...time, seconds: secondsUntil(retryAt) } };
}

function describeLeft(left: number, pause: number | undefined, t: Translate): string {
  const attempts = t(left === 1 ? 'limits.attempt' : 'limits.attempts', { count: left });
  if (pause === undefined) return t('limits.left', { attempts });
  return t('limits.left-before-pause', { attempts, pause: describeLength(pause) });
}
