// Forms for people without session or sign-in: their token is bound to a cookie of the browser.
import type { Context } from 'koa';
import { GatehouseError } from '../lib/errors.ts';
import { randomId } from '../lib/ids.ts';
import type { Csrf } from './csrf.ts';
import { type Form, readForm } from './forms.ts';

export interface AnonymousForms {
  /** The token for forms of this browser, which gets a cookie if it has none. */
  token(ctx: Context): string;
  /** Throws `csrf_failed`. */
  read(ctx: Context): Promise<Form>;
  /** Where a flash for a page of these forms is left; undefined for a browser without the cookie. */
  placeOf(ctx: Context, page: string): string | undefined;
}

const SHAPE = /^[\w-]{22}$/;

export function createAnonymousForms(csrf: Csrf, issuer: string): AnonymousForms {
  const secure = issuer.startsWith('https:');
  const name = `${secure ? '__Host-' : ''}gatehouse_form`;
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure, signed: false } as const;
  const bindingOf = (id: string) => `visitor:${id}`;

  const find = (ctx: Context) => {
    const id = ctx.cookies.get(name, { signed: false });
    return id && SHAPE.test(id) ? id : undefined;
  };

  const make = (ctx: Context) => {
    const id = randomId();
    ctx.cookies.set(name, id, options);
    return id;
  };

  return {
    placeOf: (ctx, page) => {
      const id = find(ctx);
      return id === undefined ? undefined : `${bindingOf(id)}:${page}`;
    },
    token: (ctx) => csrf.token(bindingOf(find(ctx) ?? make(ctx))),
    read: async (ctx) => {
      const form = await readForm(ctx);
      const id = find(ctx);
      if (id === undefined) throw new GatehouseError('csrf_failed');
      csrf.assert(ctx, form, bindingOf(id));
      return form;
    },
  };
}
