// Sign-out at an application: it never ends on a page without a way forward.
import type { Context, Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { Log } from '../lib/log.ts';
import { defined, textOf } from '../lib/narrow.ts';
import { withQuery } from '../lib/uris.ts';
import { sendTo } from './answers.ts';
import { forgetSession } from './cookies.ts';
import { type Ctx, oidcOf, type SessionModel } from './types.ts';

/** The client's post-logout redirect URI, which oidc-provider has checked. */
export function afterSignOut({ state }: Pick<SessionModel, 'state'>): string | undefined {
  const uri = textOf(state?.postLogoutRedirectUri);
  return uri && withQuery(uri, defined({ state: textOf(state?.state) }));
}

/**
 * Wraps the two sign-out endpoints. A refused request (a bad hint, an unregistered URI or client)
 * becomes the plain question, which leads back to nobody.
 */
export function createSignOut(provider: () => Provider): Middleware {
  return async (ctx, next) => {
    await next();
    const oidc = oidcOf(ctx);
    if (!oidc) return;
    const target = leadsTo(ctx, oidc, provider());
    if (target !== undefined) sendTo(ctx, target);
  };
}

/** For the log only: the person doesn't see the reason. */
export function noteSignOut(log: Log) {
  return (
    _ctx: unknown,
    { error_description: reason }: { error_description?: string | undefined },
  ): void => {
    log.info({ reason }, "sign-out: invalid request, so the browser isn't sent back");
  };
}

type Oidc = Ctx['oidc'];

/** Undefined if oidc-provider's answer stands. */
function leadsTo(ctx: Context, oidc: Oidc, provider: Provider): string | undefined {
  if (oidc.route === 'end_session') return afterRequest(ctx, oidc, provider);
  if (oidc.route === 'end_session_confirm') return afterForm(ctx, oidc, provider);
  return undefined;
}

function afterRequest(ctx: Context, oidc: Oidc, provider: Provider): string | undefined {
  const isWrong = ctx.status === 400 && ctx.querystring !== '';
  if (isWrong && !hasTwice(ctx.query)) return provider.urlFor('end_session');
  if (ctx.status !== 200 || oidc.session?.accountId !== undefined) return undefined;
  // Nobody is signed in, so nobody is asked; the session was only made for the form.
  ctx.remove('Set-Cookie');
  return afterSignOut(oidc.session ?? {}) ?? signedOut(provider);
}

/** A repeated parameter is refused, as everywhere. */
function hasTwice(query: Context['query']): boolean {
  return Object.values(query).some((value) => Array.isArray(value));
}

function afterForm(ctx: Context, { session }: Oidc, provider: Provider): string | undefined {
  // On a second click, the first has already signed out. Don't start another session.
  if (ctx.status === 400 && session?.accountId === undefined) {
    ctx.remove('Set-Cookie');
    forgetSession(ctx, provider.cookieName('session'));
    return signedOut(provider);
  }
  // oidc-provider would encode the address again.
  return ctx.status === 303 ? afterSignOut(session ?? {}) : undefined;
}

function signedOut(provider: Provider): string {
  return provider.urlFor('end_session_success');
}
