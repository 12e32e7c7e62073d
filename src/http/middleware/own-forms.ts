// The library's forms carry a token of its own; where they come from is looked at here.
import type { Middleware } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import { ROUTES } from '../../oidc/configuration.ts';
import { isOwnPage } from '../csrf.ts';

/** Its router takes capital letters, too. */
const FORMS = new RegExp(`^(?:${ROUTES.end_session}/confirm|${ROUTES.code_verification})$`, 'i');

/** Throws `csrf_failed`. */
export function refuseForeignForms(issuer: string): Middleware {
  return async (ctx, next) => {
    const isForm = ctx.method === 'POST' && FORMS.test(ctx.path);
    if (isForm && !isOwnPage(ctx, issuer)) throw new GatehouseError('csrf_failed');
    await next();
  };
}
