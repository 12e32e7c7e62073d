// What the account page says once about a change that has just been made.
import type { Context } from 'koa';

/** Kind of the alert, and where the catalogue has its text. */
const FLASH_MESSAGES = {
  'password-changed': ['done', 'change-password.done'],
  'factor-added': ['done', 'add-authenticator.done'],
  'authenticator-renamed': ['done', 'rename-authenticator.done'],
  'authenticator-removed': ['done', 'remove-authenticator.done'],
  'codes-renewed': ['done', 'account.backup-codes.done'],
  'codes-void': ['warning', 'account.backup-codes.void'],
  'devices-forgotten': ['done', 'account-confirm.forget-all.done'],
  'access-revoked': ['done', 'account-confirm.revoke.done'],
} as const;

export type FlashMessage = keyof typeof FLASH_MESSAGES;
export type Taken = (typeof FLASH_MESSAGES)[FlashMessage];

export interface FlashMessages {
  /** For the page that this browser is sent to next. */
  leave(ctx: Context, news: FlashMessage): void;
  /** It is told no second time. */
  take(ctx: Context): Taken | undefined;
}

const MINUTE = 60_000;

export function createFlashMessages(issuer: string): FlashMessages {
  const secure = issuer.startsWith('https:');
  const name = `${secure ? '__Host-' : ''}gatehouse_told`;
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  const set = (ctx: Context, value: string | null, more = {}) => {
    ctx.cookies.set(name, value, { ...options, ...more, signed: false });
  };
  return {
    leave: (ctx, news) => set(ctx, news, { maxAge: MINUTE }),
    take: (ctx) => {
      const news = ctx.cookies.get(name, { signed: false });
      if (news === undefined) return undefined;
      set(ctx, null);
      return Object.hasOwn(FLASH_MESSAGES, news) ? FLASH_MESSAGES[news as FlashMessage] : undefined;
    },
  };
}
