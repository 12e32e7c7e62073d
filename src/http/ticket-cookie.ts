// The cookie that holds the ticket of a spent link: for the form of the new password and nothing else.
import type { Context } from 'koa';
import { TICKET_LIFETIME } from '../domain/links.ts';

export interface TicketCookie {
  get(ctx: Context): string | undefined;
  set(ctx: Context, ticket: string): void;
  clear(ctx: Context): void;
}

export function createTicketCookie(issuer: string): TicketCookie {
  const secure = issuer.startsWith('https:');
  const name = `${secure ? '__Host-' : ''}gatehouse_reset`;
  const where = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  return {
    get: (ctx) => ctx.cookies.get(name, { signed: false }),
    set: (ctx, ticket) => {
      ctx.cookies.set(name, ticket, { ...where, maxAge: TICKET_LIFETIME, signed: false });
    },
    clear: (ctx) => {
      ctx.cookies.set(name, null, { ...where, signed: false });
    },
  };
}
