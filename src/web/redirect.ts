// Where answers send the browser.
import type { Context } from 'koa';
import { FORGOT_PATH, SIGN_IN_PATH } from './paths.ts';

/** 303: whatever was sent, what comes next is read. */
export function redirect(ctx: Context, to: string): void {
  ctx.status = 303;
  ctx.redirect(to);
}

/** The one address of a sign-in; every page of it lives below. */
export function signInPath({ uid }: { readonly uid: string }): string {
  return `${SIGN_IN_PATH}/${uid}`;
}

const RETURN_TO = /^\/sign-in\/[\w-]{1,64}$/;

/** `Forgot password?`, with the way back to the sign-in. */
export function forgotPath(interaction: { readonly uid: string }): string {
  return `${FORGOT_PATH}?${new URLSearchParams({ return_to: signInPath(interaction) })}`;
}

/** A way back that somebody sent: the sign-in of an authorization request, and nothing else. */
export function returnPath(text: unknown): string | undefined {
  return typeof text === 'string' && RETURN_TO.test(text) ? text : undefined;
}
