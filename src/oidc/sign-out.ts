// Signing out where an application has sent the person: it never ends on a page that leads nowhere.
import type { Context, Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { Log } from '../lib/log.ts';
import { defined, textOf } from '../lib/narrow.ts';
import { withQuery } from '../lib/uris.ts';
import { sendTo } from './answers.ts';
import { forgetSession } from './cookies.ts';
import { type Ctx, oidcOf, type SessionModel } from './types.ts';

/** The client's own address for the time after, as the library has checked it. */
export function afterSignOut({ state }: Pick<SessionModel, 'state'>): string | undefined {
  const uri = textOf(state?.postLogoutRedirectUri);
  return uri && withQuery(uri, defined({ state: textOf(state?.state) }));
}

/**
 * Around the library's two sign-out endpoints. What it refuses (a hint that is no good, an address
 * or a client that is not registered) becomes the bare question, with no way back to anybody.
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

/** For the log: the person reads nothing of it. */
export function noteSignOut(log: Log) {
  return (
    _ctx: unknown,
    { error_description: reason }: { error_description?: string | undefined },
  ): void => {
    log.info({ reason }, "sign-out: invalid request, so the browser isn't sent back");
  };
}

type Oidc = Ctx['oidc'];

/** Undefined: the library's answer stands. */
function leadsTo(ctx: Context, oidc: Oidc, provider: Provider): string | undefined {
  if (oidc.route === 'end_session') return afterRequest(ctx, oidc, provider);
  if (oidc.route === 'end_session_confirm') return afterForm(ctx, oidc, provider);
  return undefined;
}

function afterRequest(ctx: Context, oidc: Oidc, provider: Provider): string | undefined {
  const isWrong = ctx.status === 400 && ctx.querystring !== '';
  if (isWrong && !hasTwice(ctx.query)) return provider.urlFor('end_session');
  if (ctx.status !== 200 || oidc.session?.accountId !== undefined) return undefined;
  // There is nothing to ask, and the session was made for the form that asks.
  ctx.remove('Set-Cookie');
  return afterSignOut(oidc.session ?? {}) ?? signedOut(provider);
}

/** Refused as everywhere. */
function hasTwice(query: Context['query']): boolean {
  return Object.values(query).some((value) => Array.isArray(value));
}

function afterForm(ctx: Context, { session }: Oidc, provider: Provider): string | undefined {
  // A second click: the first has signed out. No other session begins in its place.
  if (ctx.status === 400 && session?.accountId === undefined) {
    ctx.remove('Set-Cookie');
    forgetSession(ctx, provider.cookieName('session'));
    return signedOut(provider);
  }
  // The library writes the address its own way.
  return ctx.status === 303 ? afterSignOut(session ?? {}) : undefined;
}

function signedOut(provider: Provider): string {
  return provider.urlFor('end_session_success');
}
