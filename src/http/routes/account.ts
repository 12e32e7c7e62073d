// The account pages: they read the provider's session and send the browser to sign in without one.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { AccountsDomain } from '../../domain/accounts.ts';
import type { Mfa } from '../../domain/mfa.ts';
import type { PasswordPolicy } from '../../domain/passwords/policy.ts';
import type { SessionsDomain } from '../../domain/sessions.ts';
import { now, toIso } from '../../lib/clock.ts';
import type { BrowserSession, BrowserSessions } from '../../oidc/browser-sessions.ts';
import { ACCOUNT_CALLBACK } from '../../oidc/configuration.ts';
import type { Account } from '../../store/accounts.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { Store } from '../../store/store.ts';
import type { Csrf } from '../csrf.ts';
import { readForm } from '../forms.ts';
import { keepForms } from '../middleware/security.ts';
import { redirect } from '../redirect.ts';
import type { Render } from '../render.ts';
import type { Translate } from '../texts.ts';

export interface AccountPagesNeeds {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly sessionsDomain: SessionsDomain;
  readonly browserSessions: BrowserSessions;
  readonly accounts: AccountsDomain;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

interface Present {
  readonly account: Account;
  readonly session: BrowserSession;
}

export function accountRoutes(needs: AccountPagesNeeds): Router {
  const { browserSessions, render, csrf } = needs;

  const show = (ctx: Context, view: string, data: object, status = 200) => {
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };

  const account = async (ctx: Context): Promise<void> => {
    const present = await findPresent(ctx, needs);
    if (!present) return redirect(ctx, browserSessions.signInUrl());
    const { email, name } = present.account;
    const actions = { signOut: '/account/sign-out' };
    show(ctx, 'account/index', {
      account: { email, name },
      csrf: csrf.token(present.session.uid),
      actions,
      ...announcement(present.account, needs),
    });
  };

  /** Back from the sign-in: the session is what counts, the code is not used. */
  const callback = async (ctx: Context): Promise<void> => {
    if (await findPresent(ctx, needs)) return redirect(ctx, '/account');
    const isCancelled = ctx.query.error === 'access_denied';
    const again = { actions: { signIn: '/account' }, restartHref: '/account' };
    // Anything but a person's own choice would end in a circle: say so instead.
    show(ctx, isCancelled ? 'account/signed-out' : 'cookies', again, isCancelled ? 200 : 400);
  };

  const signOut = async (ctx: Context): Promise<void> => {
    const form = await readForm(ctx);
    const present = await findPresent(ctx, needs);
    if (present) {
      csrf.assert(ctx, form, present.session.uid);
      await needs.store.commit(await needs.sessionsDomain.end(present.session));
    }
    browserSessions.forget(ctx);
    redirect(ctx, browserSessions.signedOutUrl());
  };

  const router = new Router();
  router.get('/', ((ctx: Context) => redirect(ctx, '/account')) as never);
  router.get('/account', account as never);
  router.get(ACCOUNT_CALLBACK, callback as never);
  router.post('/account/sign-out', signOut as never);
  return router;
}

/** Tells whose password is not known to meet what comes, before it stands in their way. */
function announcement(account: Account, { passwords, t }: AccountPagesNeeds) {
  const next = passwords.announced(now());
  if (!next || !passwords.isDue(account, next.enforcedFrom)) return {};
  const date = toIso(next.enforcedFrom).slice(0, 10);
  return { alert: { kind: 'warning', text: t('account.policy-announced', { date }) } };
}

/** The signed-in person of this browser, if the session is still good for the account pages. */
async function findPresent(ctx: Context, needs: AccountPagesNeeds): Promise<Present | undefined> {
  const session = await needs.browserSessions.find(ctx);
  if (!session || needs.sessionsDomain.isIdle(session.seenAt)) return undefined;
  const account = await needs.accounts.find(session.accountId);
  if (account?.status !== 'active' || account.generation !== session.generation) return undefined;
  // What became due after the sign-in is not skipped here either.
  if (needs.passwords.isDue(account, now()) || needs.mfa.isDue(account, now())) return undefined;
  await needs.store.commit([needs.sessions.update(session.uid, { seenAt: now() })]);
  return { account, session };
}
