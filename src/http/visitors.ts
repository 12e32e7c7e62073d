// Who stands at a page's door, and the cookie by which a browser is known to who signed in there.
import type { Context } from 'koa';
import type { Config } from '../config/schema.ts';
import type { Visitor } from '../domain/limits/visitor.ts';
import { createClientAddress } from './client-address.ts';

export interface Visitors {
  of(ctx: Context): Visitor;
  /** @param cookie from a sign-in that has just finished */
  remember(ctx: Context, cookie: string): void;
}

export function createVisitors(config: Config): Visitors {
  const addressOf = createClientAddress(config);
  const secure = config.issuer.startsWith('https:');
  const name = `${secure ? '__Host-' : ''}gatehouse_browser`;
  const maxAge = config.limits.known_browsers.lifetime * 1000;
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure, maxAge } as const;
  return {
    of: (ctx) => ({
      address: addressOf(ctx.req),
      userAgent: ctx.get('User-Agent'),
      browser: ctx.cookies.get(name, { signed: false }),
    }),
    // The value is signed by who made it.
    remember: (ctx, cookie) => {
      ctx.cookies.set(name, cookie, { ...options, signed: false });
    },
  };
}
