// Forms come from our own pages: where a browser says it comes from is looked at before all else.
import type { Middleware } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import { ROUTES } from '../../oidc/routes.ts';
import { isOwnPage } from '../../web/csrf.ts';

/** Here applications of any origin post: what they send says who they are, and no cookie is read. */
const FOR_APPLICATIONS: readonly string[] = [
  ROUTES.authorization,
  ROUTES.token,
  ROUTES.userinfo,
  ROUTES.introspection,
  ROUTES.revocation,
  ROUTES.pushed_authorization_request,
  ROUTES.device_authorization,
  ROUTES.end_session,
];
const API = '/v1/';

const READING = ['GET', 'HEAD', 'OPTIONS'];
const OWN_COOKIE = /(?:^|;) *(?:__(?:Host|Secure)-)?gatehouse_/;

/**
 * Everything else that can be posted is a form, whoever answers it. Another site's post brings none
 * of our cookies along, but those of its answer would count. Throws `csrf_failed`.
 */
export function refuseForeignForms(issuer: string): Middleware {
  return async (ctx, next) => {
    if (READING.includes(ctx.method) || isForApplications(ctx.path)) return next();
    if (!isOwnPage(ctx, issuer)) throw new GatehouseError('csrf_failed');
    await next();
    // Not every browser says where it comes from. Forms of ours stand on pages that set a cookie.
    if (!OWN_COOKIE.test(ctx.get('Cookie'))) ctx.remove('Set-Cookie');
  };
}

function isForApplications(path: string): boolean {
  return FOR_APPLICATIONS.includes(path) || path.startsWith(API);
}
