// Headers that every answer carries, and requests that never get further.
import type { Context, Middleware } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import { assertFewParameters } from '../../web/parameters.ts';

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const YEAR = 31_536_000;

/** For every answer there is. */
export function headersOf(issuer: string): Readonly<Record<string, string>> {
  const secure = issuer.startsWith('https:');
  return {
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    ...(secure ? { 'Strict-Transport-Security': `max-age=${YEAR}; includeSubDomains` } : {}),
  };
}

/**
 * No `form-action` here: browsers apply it to the redirect to the relying party that follows a
 * form, and to every redirect that the relying party adds. Pages that never lead out call
 * {@link keepForms}.
 */
export function securityHeaders(issuer: string): Middleware {
  const headers = { ...headersOf(issuer), 'Cache-Control': 'no-store' };
  return async (ctx, next) => {
    ctx.set(headers);
    await next();
  };
}

/** For pages whose forms stay here. */
export function keepForms(ctx: Context): void {
  ctx.set('Content-Security-Policy', `${POLICY}; form-action 'self'`);
}

const LONGEST_URL = 16 * 1024;

/** Addresses that no page of ours would ever have. */
export const refuseBrokenUrls: Middleware = async (ctx, next) => {
  const url = ctx.req.url ?? '';
  if (url.length > LONGEST_URL) {
    throw new GatehouseError('bad_request', { message: 'The address is too long.' });
  }
  assertFewParameters(url, 'address');
  if (/%00/.test(url) || !isReadable(ctx)) {
    throw new GatehouseError('bad_request', { message: 'The address holds a NUL or is broken.' });
  }
  await next();
};

function isReadable(ctx: Context): boolean {
  try {
    // Null where the target of the request could not be parsed at all.
    const path: string | null = ctx.path;
    return path !== null && decodeURIComponent(path) !== '';
  } catch {
    return false;
  }
}
