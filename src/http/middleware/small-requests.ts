// What waits for a person is kept for a while: no such request may be large.
import type { Middleware } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import { LARGEST_REQUEST } from '../../oidc/open-requests.ts';
import { ROUTES } from '../../oidc/routes.ts';

const PATHS: ReadonlySet<string> = new Set([
  ROUTES.authorization,
  ROUTES.pushed_authorization_request,
  ROUTES.device_authorization,
]);

/** Behind what has read the form: its length is known. Throws `authorization_request_too_large`. */
export const refuseLargeRequests: Middleware = (ctx, next) => {
  const size = Math.max(ctx.querystring.length, ctx.request.length ?? 0);
  if (size > LARGEST_REQUEST && PATHS.has(ctx.path)) {
    throw new GatehouseError('authorization_request_too_large');
  }
  return next();
};
