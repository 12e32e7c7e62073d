// The cookies of the protocol: their names and attributes.
import type { Context } from 'koa';

export interface CookieNames {
  readonly session: string;
  /** The browser that half-finished sign-ins belong to. */
  readonly signIn: string;
  // Never set: oidc-provider asks for these two to learn which sign-in it resumes.
  readonly interaction: string;
  readonly resume: string;
}

/** `__Host-` and `__Secure-` need https: on http://localhost the names have no prefix. */
export function cookieNames(issuer: string): CookieNames {
  const [host, secure] = isSecure(issuer) ? ['__Host-', '__Secure-'] : ['', ''];
  return {
    session: `${host}gatehouse_session`,
    signIn: `${host}gatehouse_sign_in`,
    interaction: `${secure}gatehouse_interaction`,
    resume: `${secure}gatehouse_resume`,
  };
}

const isSecure = (issuer: string) => issuer.startsWith('https:');

/** The attributes that oidc-provider sets itself, without the path. */
export const SIGNED = { httpOnly: true, sameSite: 'lax', signed: true } as const;

/** On every path, as `__Host-` demands. */
export const SESSION_COOKIE = { ...SIGNED, path: '/' } as const;

/** Milliseconds: the longest that browsers keep a cookie. */
const LIFETIME = 400 * 86_400_000;

/** Unsigned: its value is random, and compared by keyed hash. */
export function signInCookie(issuer: string) {
  const secure = isSecure(issuer);
  return {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure,
    signed: false,
    maxAge: LIFETIME,
  } as const;
}

/** @param name of the session's cookie */
export function forgetSession(ctx: Context, name: string): void {
  ctx.cookies.set(name, null, { path: '/', httpOnly: true });
}
