// Where answers send the browser.
import type { Context } from 'koa';
import { SIGN_IN_PATH } from '../oidc/configuration.ts';

/** 303: whatever was sent, what comes next is read. */
export function redirect(ctx: Context, to: string): void {
  ctx.status = 303;
  ctx.redirect(to);
}

/** The one address of a sign-in; every page of it lives below. */
export function signInPath({ uid }: { readonly uid: string }): string {
  return `${SIGN_IN_PATH}/${uid}`;
}
