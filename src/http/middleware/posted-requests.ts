// Requests that an application may send by a form, too: asked for once more, by an address.
import type { Middleware } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import { ROUTES } from '../../oidc/routes.ts';
import { readForm } from '../../web/forms.ts';

const PATHS: ReadonlySet<string> = new Set([ROUTES.authorization, ROUTES.end_session]);
/** Bytes, as an address can hold them. */
const LONGEST = 15 * 1024;

/**
 * A form of another site comes without the session's cookie: whoever is signed in would be a
 * stranger, and get another session in the place of theirs. What follows a 303 is a link, which
 * brings the cookie.
 */
export const askByAddress: Middleware = async (ctx, next) => {
  if (ctx.method !== 'POST' || !PATHS.has(ctx.path)) return next();
  const form = await readForm(ctx, LONGEST);
  // There is nobody to whom the answer to such a request could go.
  if (ctx.path === ROUTES.authorization && !form.client_id) {
    throw new GatehouseError('bad_request', { message: 'client_id is missing.' });
  }
  const query = new URLSearchParams(form).toString();
  if (query.length > LONGEST) throw new GatehouseError('body_too_large');
  ctx.status = 303;
  ctx.set('Location', query ? `${ctx.path}?${query}` : ctx.path);
  ctx.body = '';
};
