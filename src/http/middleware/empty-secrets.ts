// Public clients that authenticate with an empty secret, as some libraries do.
import { parse, stringify } from 'node:querystring';
import type { Context, Middleware } from 'koa';
import { ROUTES } from '../../oidc/routes.ts';
import { giveBack, readBody } from '../../web/body.ts';
import { FORM } from '../../web/forms.ts';

const ENDPOINTS: ReadonlySet<string> = new Set([
  ROUTES.token,
  ROUTES.introspection,
  ROUTES.revocation,
  ROUTES.pushed_authorization_request,
  ROUTES.device_authorization,
]);
const BASIC = /^basic ([A-Za-z0-9+/]+=*)$/i;

/**
 * Takes `Authorization: Basic <client_id>:` for `client_id` in the form, which is how a client
 * without a secret names itself (RFC 6749, 3.2.1). A client that has one is refused as before.
 */
export const admitEmptySecrets: Middleware = async (ctx, next) => {
  const clientId = ENDPOINTS.has(ctx.path) && ctx.method === 'POST' ? namedBy(ctx) : undefined;
  if (clientId !== undefined && ctx.is(FORM)) await nameInForm(ctx, clientId);
  await next();
};

/** The client that Basic credentials with an empty secret name. */
function namedBy(ctx: Context): string | undefined {
  const [, encoded] = BASIC.exec(ctx.get('Authorization')) ?? [];
  const [id, secret] = Buffer.from(encoded ?? '', 'base64')
    .toString()
    .split(':');
  if (!id || secret !== '') return undefined;
  try {
    return decodeURIComponent(id.replaceAll('+', '%20'));
  } catch {
    return undefined;
  }
}

async function nameInForm(ctx: Context, clientId: string): Promise<void> {
  const body = await readBody(ctx);
  const fields = parse(body.toString());
  if (fields.client_id !== undefined && fields.client_id !== clientId) return giveBack(ctx, body);
  delete ctx.req.headers.authorization;
  giveBack(ctx, Buffer.from(stringify({ ...fields, client_id: clientId })));
}
