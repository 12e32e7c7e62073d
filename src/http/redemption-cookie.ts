// The cookie that holds the ticket of a spent link: for the form of the new password and nothing else.
import type { Context } from 'koa';
import { REDEMPTION_LIFETIME } from '../domain/accounts/links.ts';

export interface RedemptionCookie {
  get(ctx: Context): string | undefined;
  set(ctx: Context, redemption: string): void;
  clear(ctx: Context): void;
}

export function createRedemptionCookie(issuer: string): RedemptionCookie {
  const secure = issuer.startsWith('https:');
  const name = `${secure ? '__Host-' : ''}gatehouse_reset`;
  const where = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  return {
    get: (ctx) => ctx.cookies.get(name, { signed: false }),
    set: (ctx, redemption) => {
      ctx.cookies.set(name, redemption, { ...where, maxAge: REDEMPTION_LIFETIME, signed: false });
    },
    clear: (ctx) => {
      ctx.cookies.set(name, null, { ...where, signed: false });
    },
  };
}
