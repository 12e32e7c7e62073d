// What all account pages are made with.
import type { Context } from 'koa';
import type { Csrf } from '../../csrf.ts';
import { keepForms } from '../../middleware/security.ts';
import type { Render } from '../../render.ts';
import type { Present } from './entrance.ts';

export interface PageData {
  /** 200 when left out. */
  readonly status?: number;
  readonly [value: string]: unknown;
}

/** Shows a view to the signed-in person. */
export type Show = (ctx: Context, present: Present, view: string, page: PageData) => void;

export const ACCOUNT = '/account';

interface Needs {
  readonly csrf: Csrf;
  readonly render: Render;
}

export function createShow({ csrf, render }: Needs): Show {
  return (ctx, { account: { email, name }, session }, view, { status = 200, ...page }) => {
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    const common = { trace: ctx.state.trace, account: { email, name } };
    ctx.body = render(view, { ...common, csrf: csrf.token(session.uid), ...page });
  };
}
