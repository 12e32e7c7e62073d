// Who stands at a page's door, and the cookies by which a browser is known to who signed in there.
import type { Context } from 'koa';
import type { Config } from '../config/schema.ts';
import type { Requester } from '../domain/limits/requester.ts';
import { cookiePairs } from '../lib/cookies.ts';
import { createClientAddress } from './client-address.ts';

export interface RequesterCookies {
  of(ctx: Context): Requester;
  /** From a sign-in that has just finished. */
  keep(ctx: Context, cookies: Kept): void;
  /** Cookies of trusted devices by the end of their names: undefined ones are removed. */
  rememberDevices(ctx: Context, cookies: ReadonlyMap<string, string | undefined>): void;
}

interface Kept {
  /** Of known browsers. */
  readonly browser: string;
  readonly devices: ReadonlyMap<string, string | undefined>;
}

export function createRequesterCookies(config: Config): RequesterCookies {
  const addressOf = createClientAddress(config);
  const secure = config.issuer.startsWith('https:');
  const name = `${secure ? '__Host-' : ''}gatehouse_browser`;
  const maxAge = config.limits.known_browsers.lifetime * 1000;
  const device = `${secure ? '__Host-' : ''}gatehouse_device_`;
  const deviceAge = config.device.days * 86_400_000;
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure, signed: false } as const;
  const rememberDevices: RequesterCookies['rememberDevices'] = (ctx, cookies) => {
    for (const [end, cookie] of cookies) {
      const age = cookie === undefined ? {} : { maxAge: deviceAge };
      ctx.cookies.set(`${device}${end}`, cookie ?? null, { ...options, ...age });
    }
  };
  return {
    rememberDevices,
    of: (ctx) => ({
      address: addressOf(ctx.req),
      userAgent: ctx.get('User-Agent'),
      browser: ctx.cookies.get(name, { signed: false }),
      devices: cookiesOf(ctx.get('Cookie'), device),
    }),
    // The value is signed by who made it.
    keep: (ctx, { browser, devices }) => {
      ctx.cookies.set(name, browser, { ...options, maxAge });
      rememberDevices(ctx, devices);
    },
  };
}

const MANY = 50;

/** The cookies whose names begin so, by the rest of their names; the first of each name. */
function cookiesOf(header: string, prefix: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of cookiePairs(header)) {
    const end = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    if (/^[\w-]{8}$/.test(end) && !found.has(end) && found.size < MANY) found.set(end, value);
  }
  return found;
}
