// Sessions: where somebody is signed in, and the ways out.
import type { Context } from 'koa';
import type { Revocations } from '../../../domain/accounts/revocations.ts';
import type { TrustedDevices } from '../../../domain/accounts/trusted-devices.ts';
import { type Sessions, signedInAt } from '../../../domain/sessions/sessions.ts';
import { noteInRequest } from '../../../lib/request-context.ts';
import type { BrowserSessions } from '../../../oidc/browser-sessions.ts';
import type { ClientOnPage } from '../../../oidc/pages/client-on-page.ts';
import type { Session } from '../../../store/sessions.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { Csrf } from '../../../web/csrf.ts';
import { readForm } from '../../../web/forms.ts';
import { redirect } from '../../../web/redirect.ts';
import { momentOf } from '../../../web/times.ts';
import { agentLabel } from '../../agents.ts';
import type { RequesterCookies } from '../../requester-cookies.ts';
import { createConfirmed } from './confirm.ts';
import type { FormHandler, SignedIn } from './require-sign-in.ts';
import { ACCOUNT, type Show } from './site.ts';

export interface SessionPagesNeeds {
  readonly sessions: Sessions;
  readonly revocations: Revocations;
  readonly trustedDevices: TrustedDevices;
  readonly browserSessions: BrowserSessions;
  readonly requesterCookies: RequesterCookies;
  readonly findClient: (id: string) => Promise<ClientOnPage | undefined>;
  readonly csrf: Csrf;
  readonly show: Show;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/sessions`;
export const EVERYWHERE = `${ACCOUNT}/sign-out-everywhere`;

export function createSessionPages(needs: SessionPagesNeeds) {
  const { browserSessions, revocations, trustedDevices, requesterCookies, t } = needs;

  const section = async ({ account, session }: SignedIn) => {
    const all = await needs.sessions.list(account.id);
    const items = await Promise.all(all.map((each) => item(each, each.uid === session.uid)));
    return { items, everywhere: EVERYWHERE };
  };

  const item = async (session: Session, isThis: boolean) => {
    const { origin } = session;
    const app =
      origin?.clientId === undefined ? undefined : await needs.findClient(origin.clientId);
    const label = app?.name ?? agentLabel(origin?.userAgent ?? '', t);
    return itemOf(session, label, isThis, t);
  };

  const leave = (ctx: Context) => {
    browserSessions.forget(ctx);
    redirect(ctx, browserSessions.signedOutUrl());
  };

  const end: FormHandler = async (ctx, { account, session }) => {
    const uid = String(ctx.params.id);
    const isThis = uid === session.uid;
    await revocations.endSession(
      account.id,
      uid,
      isThis ? 'signed out' : 'signed out from elsewhere',
    );
    if (isThis) leave(ctx);
    else redirect(ctx, ACCOUNT);
  };

  const everywhere: FormHandler = async (ctx, { account }) => {
    // Missed: the account has moved on meanwhile, and this session may have ended with that.
    if (!(await revocations.signOutEverywhere(account))) return redirect(ctx, ACCOUNT);
    requesterCookies.rememberDevices(
      ctx,
      new Map([[trustedDevices.cookieOf(account.id), undefined]]),
    );
    leave(ctx);
  };

  /** Out of this browser: also of a session that is good for nothing else. */
  const signOut = async (ctx: Context): Promise<void> => {
    const form = await readForm(ctx);
    const session = await browserSessions.find(ctx);
    // Without one there is no cookie to take back.
    if (!session) return redirect(ctx, browserSessions.signedOutUrl());
    needs.csrf.assert(ctx, form, session.uid);
    noteInRequest({ actor: session.accountId });
    await revocations.endSession(session.accountId, session.uid, 'signed out');
    leave(ctx);
  };

  const all = createConfirmed(needs.show, { act: 'everywhere', confirmed: everywhere });
  return { section, end, signOut, everywherePage: all.page, everywhere: all.submit };
}

function itemOf(session: Session, label: string, isThis: boolean, t: Translate) {
  const { origin } = session;
  return {
    id: session.uid,
    label,
    address: origin?.address ?? t('agents.unknown-address'),
    startedAt: momentOf(signedInAt(session)),
    seenAt: momentOf(session.seenAt),
    isThis,
    end: `${PATH}/${encodeURIComponent(session.uid)}/end`,
  };
}
