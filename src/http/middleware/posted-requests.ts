// Requests that an application may send by a form too: asked for once more, by an address.
import type { Middleware } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import { ROUTES } from '../../oidc/configuration.ts';
import { readBody } from '../body.ts';
import { FORM } from '../forms.ts';

const PATHS: ReadonlySet<string> = new Set([ROUTES.authorization, ROUTES.end_session]);
/** As for any address. */
const LONGEST = 15 * 1024;

/**
 * A form of another site comes without the session's cookie: whoever is signed in would be a
 * stranger, and get another session in the place of theirs. What follows a 303 is a link, which
 * brings the cookie. Nothing is read here: the body of such a form is a query as it stands.
 */
export const askByAddress: Middleware = async (ctx, next) => {
  if (ctx.method !== 'POST' || !PATHS.has(ctx.path)) return next();
  if (!ctx.is(FORM)) throw new GatehouseError('unsupported_media_type');
  const body = (await readBody(ctx)).toString('latin1');
  if (body.length > LONGEST) throw new GatehouseError('body_too_large');
  if (!/^[\x21\x22\x24-\x7e]*$/.test(body)) {
    throw new GatehouseError('bad_request', { message: 'The form is not encoded.' });
  }
  const query = [ctx.querystring, body].filter(Boolean).join('&');
  ctx.status = 303;
  ctx.set('Location', query ? `${ctx.path}?${query}` : ctx.path);
  ctx.body = '';
};
