// Answers the demo app's few paths.
import Router from '@koa/router';
import type { Context } from 'koa';
import { claimFacts, tokenFacts } from './facts.ts';
import { acceptForm } from './forms.ts';
import type { DemoOptions } from './options.ts';
import { isGrantRefused, problem } from './problems.ts';
import type { Pending, Provider, SignedIn } from './provider.ts';
import type { Session, Sessions } from './sessions.ts';

export interface Parts {
  readonly options: DemoOptions;
  readonly provider: Provider;
  readonly sessions: Sessions;
}

const cookieName = 'example_app';

export function createRoutes(parts: Parts): Router {
  const router = new Router();
  router.get('/', (ctx) => showStart(parts, ctx));
  router.get('/sign-in', (ctx) => beginSignIn(parts, ctx));
  router.get('/callback', (ctx) => finishSignIn(parts, ctx));
  router.post('/refresh', (ctx) => refresh(parts, ctx));
  router.post('/sign-out', (ctx) => signOut(parts, ctx));
  router.get('/favicon.ico', (ctx) => {
    ctx.status = 204;
  });
  return router;
}

function showStart({ options, sessions }: Parts, ctx: Context): void {
  const session = sessions.find(sessionId(ctx));
  ctx.type = 'html';
  if (session?.signedIn !== undefined) {
    ctx.body = signedInPage(options, session.signedIn, session.csrf);
    return;
  }
  ctx.body = options.render('demo/home', {
    actions: { signIn: '/sign-in' },
    providerUrl: options.issuer,
    ...(options.hint === undefined ? {} : { hint: options.hint }),
  });
}

function signedInPage(options: DemoOptions, signedIn: SignedIn, csrf: string): string {
  const canRefresh = signedIn.refreshToken !== undefined;
  return options.render('demo/signed-in', {
    userinfo: claimFacts(signedIn.userinfo ?? {}),
    claims: claimFacts(signedIn.claims),
    tokens: tokenFacts(signedIn),
    actions: { signOut: '/sign-out', ...(canRefresh ? { refresh: '/refresh' } : {}) },
    csrf,
  });
}

async function beginSignIn({ options, provider, sessions }: Parts, ctx: Context): Promise<void> {
  const { url, pending } = await provider.begin();
  const current = sessions.find(sessionId(ctx));
  if (current !== undefined) {
    current.pending = pending;
  } else {
    const { id, session } = sessions.start();
    session.pending = pending;
    setCookie(options, ctx, id);
  }
  ctx.redirect(url.href);
}

async function finishSignIn({ options, provider, sessions }: Parts, ctx: Context): Promise<void> {
  const oldId = sessionId(ctx);
  const pending = takePending(sessions.find(oldId), ctx);
  const signedIn = await provider.finish(ctx.querystring, pending);
  // A new id, so that one planted before the sign-in is worth nothing after it.
  sessions.end(oldId);
  const { id, session } = sessions.start();
  session.signedIn = signedIn;
  setCookie(options, ctx, id);
  options.log.info({}, 'Somebody signed in to the example app');
  ctx.redirect('/');
}

function takePending(session: Session | undefined, ctx: Context): Pending {
  const pending = session?.pending;
  if (session === undefined || pending === undefined) {
    throw problem(400, 'No sign-in is under way in this browser. Start again.');
  }
  // A forged answer must not use up the sign-in that is really under way.
  if (new URLSearchParams(ctx.querystring).get('state') !== pending.state) {
    throw problem(400, 'This answer does not belong to the sign-in under way in this browser.');
  }
  session.pending = undefined;
  return pending;
}

async function refresh(parts: Parts, ctx: Context): Promise<void> {
  const { session, signedIn } = await acceptSignedInForm(parts, ctx);
  // Shared, as a provider may take a refresh token used twice for a stolen one.
  session.refreshing ??= parts.provider.refresh(signedIn);
  try {
    session.signedIn = await session.refreshing;
  } catch (error) {
    // The provider has ended the sign-in, so the app must not go on showing it.
    if (isGrantRefused(error)) parts.sessions.end(sessionId(ctx));
    throw error;
  } finally {
    session.refreshing = undefined;
  }
  seeOther(ctx, '/');
}

async function signOut(parts: Parts, ctx: Context): Promise<void> {
  const { signedIn } = await acceptSignedInForm(parts, ctx);
  parts.sessions.end(sessionId(ctx));
  setCookie(parts.options, ctx, undefined);
  const url = await parts.provider.endSessionUrl(signedIn.idToken);
  seeOther(ctx, url?.href ?? '/');
}

async function acceptSignedInForm({ options, sessions }: Parts, ctx: Context) {
  const session = sessions.find(sessionId(ctx));
  if (session === undefined) throw problem(403, 'Your session in this app has ended.');
  await acceptForm(ctx, session, options.baseUrl);
  if (session.signedIn === undefined) throw problem(403, 'You are not signed in.');
  return { session, signedIn: session.signedIn };
}

function seeOther(ctx: Context, url: string): void {
  ctx.status = 303;
  ctx.redirect(url);
}

function sessionId(ctx: Context): string | undefined {
  return ctx.cookies.get(cookieName);
}

function setCookie(options: DemoOptions, ctx: Context, id: string | undefined): void {
  // By hand: behind a proxy with TLS, Koa refuses a secure cookie on what it takes for plain HTTP.
  const secure = options.baseUrl.startsWith('https:') ? '; Secure' : '';
  const value = id === undefined ? '; Max-Age=0' : '';
  ctx.append(
    'Set-Cookie',
    `${cookieName}=${id ?? ''}; Path=/; HttpOnly; SameSite=Lax${secure}${value}`,
  );
}
