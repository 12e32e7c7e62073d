// What all account pages are made with.
import type { Context } from 'koa';
import type { Csrf } from '../../../web/csrf.ts';
import type { Flash, Flashes } from '../../../web/flash.ts';
import { redirect } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';
import { keepForms } from '../../middleware/security.ts';
import type { SignedIn } from './require-sign-in.ts';

export type PageData = Readonly<Record<string, unknown>>;

/** Shows a view to the signed-in person, with what the last form left for it. */
export type Show = (ctx: Context, signedIn: SignedIn, view: string, page: PageData) => void;

export const ACCOUNT = '/account';

/** Sends the browser back to the page of the form, which says what is wrong. */
export type Refuse = (
  ctx: Context,
  signedIn: SignedIn,
  flash: Flash,
  search?: string,
  /** Of that page, where the form went elsewhere. */
  path?: string,
) => void;

interface Needs {
  readonly csrf: Csrf;
  readonly flashes: Flashes;
  readonly render: Render;
}

/** Of the page at an address of the account, in one session. */
export function placeOf(path: string, { session }: SignedIn): string {
  return `account:${session.uid}:${path}`;
}

export function createRefuse({ flashes }: Pick<Needs, 'flashes'>): Refuse {
  return (ctx, signedIn, flash, search = '', path = ctx.path) => {
    flashes.leave(ctx, placeOf(path, signedIn), flash);
    redirect(ctx, `${path}${search}`);
  };
}

export function createShow({ csrf, flashes, render }: Needs): Show {
  return (ctx, signedIn, view, page) => {
    const { account, session } = signedIn;
    const { status = 200, ...flash } = flashes.take(ctx, placeOf(ctx.path, signedIn)) ?? {};
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, {
      trace: ctx.state.trace,
      account: { email: account.email, name: account.name },
      csrf: csrf.token(session.uid),
      ...page,
      ...flash,
    });
  };
}
