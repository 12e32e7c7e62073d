// What a page says once after a form: the answer to the form is a redirect, and the page tells.

import type { Context } from 'koa';
import { cookiePairs } from '../lib/cookies.ts';
import { setRetryAfter } from '../lib/retry-after.ts';
import { openIfWhole, type Vault } from '../lib/vault.ts';
import type { Time } from './times.ts';

export interface Alert {
  /** `info`: what the person chose is no mistake. */
  readonly kind: 'error' | 'info';
  readonly text: string;
  /** With how far away it is, for browsers whose own clock is off. */
  readonly retryAt?: Time & { readonly seconds: number };
  /** Says whom to ask, where somebody is named. */
  readonly asks?: boolean;
}

export interface Flash {
  readonly status: number;
  /** Whole seconds. */
  readonly retryAfter?: number | undefined;
  readonly alert?: Alert;
  /** Field → what is wrong with it. */
  readonly errors?: Readonly<Record<string, string>>;
  /** Field → what was typed. Never a password or a code. */
  readonly values?: Readonly<Record<string, string>>;
  /** Rules that a new password did not meet. */
  readonly unmet?: readonly string[];
}

/**
 * A place names the page and whose it is, such as a step of one sign-in in one browser: tabs do not
 * see what was left for others, and nobody can plant a flash in another browser. A browser that has
 * no place, since it keeps no cookie, is left nothing.
 */
export interface Flashes {
  /** For the page that this browser is sent to next. @param lifetime milliseconds */
  leave(ctx: Context, place: string | undefined, flash: Flash, lifetime?: number): void;
  /** What was left, which the page will show again when it is loaded again. */
  read(ctx: Context, place: string | undefined): Flash | undefined;
  /** As `read`, and removes it. Both set Retry-After where it holds one. */
  take(ctx: Context, place: string | undefined): Flash | undefined;
}

const LIFETIME = 60_000;
/** Bytes of JSON: sealed and named, they are less than the 4,096 that browsers keep. */
const LONGEST = 2_500;
/** A browser takes each at once. More were left by redirects that it did not follow. */
const MOST = 4;

export function createFlashes(vault: Vault, issuer: string): Flashes {
  const secure = issuer.startsWith('https:');
  const prefix = `${secure ? '__Host-' : ''}gatehouse_flash_`;
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure, signed: false } as const;
  const nameFor = (place: string) => `${prefix}${vault.digest('flash', place).slice(0, 12)}`;
  const contextFor = (place: string) => `flash:${place}`;
  const remove = (ctx: Context, name: string) => ctx.cookies.set(name, null, options);

  const read: Flashes['read'] = (ctx, place) => {
    if (place === undefined) return undefined;
    const sealed = ctx.cookies.get(nameFor(place), { signed: false });
    const text = sealed && openIfWhole(vault, sealed, contextFor(place));
    if (!text) return undefined;
    const { retryAfter, ...flash } = JSON.parse(text) as Flash;
    setRetryAfter(ctx, retryAfter);
    return flash;
  };

  return {
    read,
    leave: (ctx, place, flash, lifetime = LIFETIME) => {
      if (place === undefined) return;
      const name = nameFor(place);
      const others = namesOf(ctx.get('Cookie'), prefix).filter((other) => other !== name);
      if (others.length >= MOST) for (const other of others) remove(ctx, other);
      const sealed = vault.seal(shortened(flash), contextFor(place));
      ctx.cookies.set(name, sealed, { ...options, maxAge: lifetime });
    },
    take: (ctx, place) => {
      const flash = read(ctx, place);
      if (place !== undefined && flash) remove(ctx, nameFor(place));
      return flash;
    },
  };
}

function namesOf(header: string, prefix: string): readonly string[] {
  return [...cookiePairs(header)].map(([name]) => name).filter((name) => name.startsWith(prefix));
}

/** What was typed is typed again before what is wrong goes unsaid. */
function shortened(flash: Flash): string {
  const text = JSON.stringify(flash);
  if (Buffer.byteLength(text) <= LONGEST) return text;
  return JSON.stringify({ ...flash, values: {} });
}
