// Lets a request with an assertion through to its grant: it needs to name no client.
import { parse, stringify } from 'node:querystring';
import type { Context, Middleware } from 'koa';
import {
  JWT_BEARER,
  jwtBearerOf,
  openJwtBearer,
  UNVERIFIED,
} from '../../oidc/service-account-client.ts';
import { giveBack, readBody } from '../../web/body.ts';
import { FORM } from '../../web/forms.ts';

/** @param tokenPath of the library's endpoint */
export function admitAssertions(tokenPath: () => string): Middleware {
  return async (ctx, next) => {
    if (mayHoldAssertion(ctx, tokenPath)) await admit(ctx);
    await next();
    addRefusal(ctx);
  };
}

/** Whoever authenticates as a client is one, and is told so by the library. */
function mayHoldAssertion(ctx: Context, tokenPath: () => string): boolean {
  const isToken = ctx.method === 'POST' && ctx.path === tokenPath();
  return isToken && ctx.get('Authorization') === '' && Boolean(ctx.is(FORM));
}

/** As the library reads it. */
async function admit(ctx: Context): Promise<void> {
  const body = await readBody(ctx);
  const fields = parse(body.toString());
  const { grant_type: grant, client_id: sent } = fields;
  if (grant !== JWT_BEARER || Array.isArray(sent)) return giveBack(ctx, body);
  // Without a value it counts as left out (RFC 6749, 3.2).
  openJwtBearer(ctx, sent || undefined);
  giveBack(ctx, Buffer.from(stringify({ ...fields, client_id: UNVERIFIED })));
}

/** What the library has no place for in an error. */
function addRefusal(ctx: Context): void {
  const refusal = jwtBearerOf(ctx)?.refusal;
  if (!refusal || ctx.status !== 400 || typeof ctx.body !== 'object') return;
  ctx.body = { ...ctx.body, ...refusal };
}
