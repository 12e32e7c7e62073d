// The way to the first second factor: a sign-in that asks for one, which makes enrolment due.
import { ACR } from '../../../domain/assurance.ts';
import type { Mfa } from '../../../domain/mfa.ts';
import { now } from '../../../lib/clock.ts';
import type { BrowserSessions } from '../../../oidc/browser-sessions.ts';
import { redirect } from '../../redirect.ts';
import { dateOf, daysUntil } from '../../times.ts';
import type { PageHandler, Present } from './entrance.ts';
import type { Returns } from './returns.ts';
import { ACCOUNT } from './site.ts';

export interface SetUpNeeds {
  readonly browserSessions: BrowserSessions;
  readonly mfa: Mfa;
  readonly returns: Returns;
}

export const SET_UP = `${ACCOUNT}/set-up`;

export function createSetUp({ browserSessions, mfa, returns }: SetUpNeeds) {
  const go: PageHandler = (ctx, { account }) => {
    const wish = { acr: ACR.mfa, state: returns.write(ACCOUNT), loginHint: account.email };
    redirect(ctx, browserSessions.signInUrl(wish));
  };

  /** For the banner, while there is a choice. */
  const grace = ({ account }: Present) => {
    const found = mfa.graceAt(account, now());
    if (found.kind !== 'running') return {};
    const { until } = found;
    return { grace: { days: daysUntil(until), date: dateOf(until), href: SET_UP } };
  };

  return { go, grace };
}
