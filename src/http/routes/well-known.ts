// Addresses with a fixed name that password managers look for.
import Router from '@koa/router';
import { PASSWORD_PATH } from '../../web/paths.ts';
import { redirect } from '../../web/redirect.ts';

/** `change-password`: W3C, A Well-Known URL for Changing Passwords. */
export function wellKnownRoutes(): Router {
  const router = new Router({ prefix: '/.well-known' });
  router.get('/change-password', (ctx) => redirect(ctx, PASSWORD_PATH));
  return router;
}
