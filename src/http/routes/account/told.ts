// What the account page says once about a change that has just been made.
import type { Context } from 'koa';

const TEXTS = {
  'password-changed': 'change-password.done',
  'authenticator-added': 'add-authenticator.done',
  'authenticator-renamed': 'rename-authenticator.done',
  'authenticator-removed': 'remove-authenticator.done',
  'backup-codes-renewed': 'account.backup-codes.done',
  'devices-forgotten': 'account-confirm.forget-all.done',
  'access-revoked': 'account-confirm.revoke.done',
} as const;

export type News = keyof typeof TEXTS;

export interface Told {
  /** For the page that this browser is sent to next. */
  tell(ctx: Context, news: News): void;
  /** A key of the message catalogue; it is told no second time. */
  take(ctx: Context): string | undefined;
}

const MINUTE = 60_000;

export function createTold(issuer: string): Told {
  const secure = issuer.startsWith('https:');
  const name = `${secure ? '__Secure-' : ''}gatehouse_told`;
  const options = { path: '/account', httpOnly: true, sameSite: 'lax', secure, signed: false };
  const set = (ctx: Context, value: string | null, more = {}) => {
    ctx.cookies.set(name, value, { ...options, sameSite: 'lax', ...more });
  };
  return {
    tell: (ctx, news) => set(ctx, news, { maxAge: MINUTE }),
    take: (ctx) => {
      const news = ctx.cookies.get(name, { signed: false });
      if (news === undefined) return undefined;
      set(ctx, null);
      return Object.hasOwn(TEXTS, news) ? TEXTS[news as News] : undefined;
    },
  };
}
