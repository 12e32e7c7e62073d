// Binds half-finished sign-ins to one browser: one cookie stands for all of them.
import type { Context } from 'koa';
import { nowSeconds } from '../lib/clock.ts';
import { cookieValues } from '../lib/cookies.ts';
import { randomId } from '../lib/ids.ts';
import { perRequest } from '../lib/per-request.ts';
import { safeEqual, type Vault } from '../lib/vault.ts';
import { cookieNames, signInCookie } from './cookies.ts';

export interface BrowserBinding {
  /** The browser that starts a sign-in; one without the cookie gets it. */
  begin(ctx: Context): SignInBrowser;
  /** Whether this request comes from the browser that the row belongs to. */
  check(ctx: Context, row: BoundRow): Binding;
  /** Whether the request has the cookie, whichever sign-ins it's for. */
  hasCookie(ctx: Context): boolean;
}

export interface SignInBrowser {
  /** Keyed hash of the cookie. */
  readonly key: string;
  /** It had no cookie before this request. */
  readonly isNew: boolean;
  /** Another request that came without a cookie may still replace this one. */
  readonly isUnsettled: boolean;
}

export interface BoundRow {
  readonly browserKey?: string | undefined;
  /** The browser has started too many other sign-ins since. */
  readonly isGivenUp: boolean;
}

/** `unbound`: written by a version without bindings, so it belongs to no browser. */
export type Binding = 'own' | 'other-browser' | 'given-up' | 'unbound';

const BITS = 256;
/** A random value and the second it was made; older versions left out the second. */
const SHAPE = /^[\w-]{43}(?:\.(\d{1,12}))?$/;
/** Seconds within which requests count as sent simultaneously by one browser. */
export const SETTLING = 60;

const BEGUN = perRequest<SignInBrowser>('browser of the sign-in that begins');

export function createBrowserBinding(vault: Vault, issuer: string): BrowserBinding {
  const { signIn: name } = cookieNames(issuer);
  const attributes = signInCookie(issuer);
  const keyOf = (value: string) => vault.digest('sign-in-browser', value);

  /** With two cookies of the name, one was planted by somebody else: neither counts. */
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
    return { key: keyOf(value), isNew: false, isUnsettled: ageOf(value) <= SETTLING };
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
