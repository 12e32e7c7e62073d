// Half-done sign-ins belong to one browser: to the value of its one cookie for all of them.
import type { Context } from 'koa';
import { nowSeconds } from '../lib/clock.ts';
import { cookieValues } from '../lib/cookies.ts';
import { randomId } from '../lib/ids.ts';
import { perRequest } from '../lib/per-request.ts';
import { safeEqual, type Vault } from '../lib/vault.ts';
import { cookieNames, signInCookie } from './cookies.ts';

export interface BrowserBinding {
  /** For a sign-in that begins: whose it is. A browser without the cookie gets one. */
  begin(ctx: Context): SignInBrowser;
  /** Whether this request comes from the browser that the row belongs to, and what is left of it. */
  check(ctx: Context, row: BoundRow): Binding;
  /** The request brings a cookie, of whatever sign-ins. */
  hasCookie(ctx: Context): boolean;
}

export interface SignInBrowser {
  /** Keyed hash of its cookie. */
  readonly key: string;
  /** It had no cookie before this request. */
  readonly isNew: boolean;
  /** Another request that came without a cookie may still be about to replace this one. */
  readonly isUnsettled: boolean;
}

export interface BoundRow {
  readonly browserKey?: string | undefined;
  /** The browser has begun too many others since. */
  readonly isGivenUp: boolean;
}

/** `unbound`: made by a version that knew of no browsers, and so nobody's. */
export type Binding = 'own' | 'other-browser' | 'given-up' | 'unbound';

const BITS = 256;
/** Random, then the second it was made in; older versions left that out. */
const SHAPE = /^[\w-]{43}(?:\.(\d{1,12}))?$/;
/** Seconds: so long may the requests be under way that a browser sends at once. */
export const AT_ONCE = 60;

const BEGUN = perRequest<SignInBrowser>('browser of the sign-in that begins');

export function createBrowserBinding(vault: Vault, issuer: string): BrowserBinding {
  const { signIn: name } = cookieNames(issuer);
  const attributes = signInCookie(issuer);
  const keyOf = (value: string) => vault.digest('sign-in-browser', value);

  /** A second cookie of the name was put there by somebody else: then none of them counts. */
  const findCookie = (ctx: Context): string | undefined => {
    const [value = '', ...more] = cookieValues(ctx.get('Cookie'), name);
    return more.length === 0 && SHAPE.test(value) ? value : undefined;
  };

  const find = (ctx: Context): string | undefined => {
    const value = findCookie(ctx);
    return value === undefined ? undefined : keyOf(value);
  };

  const make = (ctx: Context): string => {
    const value = `${randomId(BITS)}.${nowSeconds()}`;
    ctx.cookies.set(name, value, attributes);
    return keyOf(value);
  };

  const browserOf = (ctx: Context): SignInBrowser => {
    const value = findCookie(ctx);
    if (value === undefined) return { key: make(ctx), isNew: true, isUnsettled: true };
    return { key: keyOf(value), isNew: false, isUnsettled: ageOf(value) <= AT_ONCE };
  };

  return {
    hasCookie: (ctx) => find(ctx) !== undefined,
    begin: (ctx) => {
      const browser = BEGUN.get(ctx) ?? browserOf(ctx);
      BEGUN.set(ctx, browser);
      return browser;
    },
    check: (ctx, { browserKey, isGivenUp }) => {
      if (browserKey === undefined) return 'unbound';
      if (!safeEqual(find(ctx) ?? '', browserKey)) return 'other-browser';
      return isGivenUp ? 'given-up' : 'own';
    },
  };
}

/** Seconds since the cookie was made. */
function ageOf(value: string): number {
  const [, madeAt = '0'] = SHAPE.exec(value) ?? [];
  return nowSeconds() - Number(madeAt);
}
