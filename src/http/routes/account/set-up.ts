// The way to the first second factor: a sign-in that asks for one, which makes enrolment due.

import type { Mfa } from '../../../domain/accounts/mfa.ts';
import { ACR } from '../../../domain/sessions/assurance.ts';
import { now } from '../../../lib/clock.ts';
import type { BrowserSessions } from '../../../oidc/browser-sessions.ts';
import { redirect } from '../../../web/redirect.ts';
import { dateOf, daysUntil } from '../../../web/times.ts';
import type { PageHandler, SignedIn } from './require-sign-in.ts';
import type { ReturnTo } from './return-to.ts';
import { ACCOUNT } from './site.ts';

export interface SetUpNeeds {
  readonly browserSessions: BrowserSessions;
  readonly mfa: Mfa;
  readonly returnTo: ReturnTo;
}

export const SET_UP = `${ACCOUNT}/set-up`;

export function createSetUp({ browserSessions, mfa, returnTo }: SetUpNeeds) {
  const go: PageHandler = (ctx, { account }) => {
    const wish = { acr: ACR.mfa, state: returnTo.write(ACCOUNT), loginHint: account.email };
    redirect(ctx, browserSessions.signInUrl(wish));
  };

  /** For the banner, while there is a choice. */
  const grace = ({ account }: SignedIn) => {
    const found = mfa.graceAt(account, now());
    if (found.kind !== 'running') return {};
    const { until } = found;
    return { grace: { days: daysUntil(until), date: dateOf(until), href: SET_UP } };
  };

  return { go, grace };
}
