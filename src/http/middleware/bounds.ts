// What strangers send is bounded before the library, or what it stands on, reads it.
import { parse } from 'node:querystring';
import type { Context, Middleware } from 'koa';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import { giveBack, readBody } from '../../web/body.ts';
import { FORM } from '../../web/forms.ts';
import { assertFewParameters } from '../../web/parameters.ts';

const LONGEST_QUOTED = 512;

/**
 * Media types with quoted parameters, which nobody sends, are compared in quadratic time: a long
 * list with any accepts everything.
 */
export const plainAccept: Middleware = (ctx, next) => {
  const { accept = '' } = ctx.req.headers;
  if (accept.length > LONGEST_QUOTED && accept.includes('"')) ctx.req.headers.accept = '*/*';
  return next();
};

/** Bytes. A URL parser takes quadratic time for a host of other letters than ASCII's. */
const LONGEST_ADDRESS = 2048;
const ADDRESSES = ['redirect_uri', 'post_logout_redirect_uri', 'resource', 'request_uri'];
/** Characters: room for any proof, and for no key that would take long. */
const LONGEST_PROOF = 4096;

/** For what the library reads. Throws `bad_request` and `body_too_large`. */
export const boundRequests: Middleware = async (ctx, next) => {
  try {
    await bound(ctx);
  } catch (error) {
    const isPage = ctx.accepts('json', 'html') === 'html';
    if (isPage || !isGatehouseError(error, 'bad_request')) throw error;
    // Applications read it in the words of OAuth (RFC 6749, 5.2).
    ctx.status = error.status;
    ctx.body = { error: 'invalid_request', error_description: error.message };
    return;
  }
  await next();
};

async function bound(ctx: Context): Promise<void> {
  if (ctx.get('DPoP').length > LONGEST_PROOF) throw tooLong('The header DPoP', LONGEST_PROOF);
  assertShortAddresses(ctx.query);
  if (ctx.method === 'POST' && ctx.is(FORM)) await boundForm(ctx);
}

async function boundForm(ctx: Context): Promise<void> {
  const body = await readBody(ctx);
  assertFewParameters(body, 'form');
  assertShortAddresses(parse(body.toString()));
  giveBack(ctx, body);
}

function assertShortAddresses(fields: NodeJS.Dict<string | string[]>): void {
  for (const name of ADDRESSES) {
    const long = [fields[name] ?? []]
      .flat()
      .find((each) => Buffer.byteLength(each) > LONGEST_ADDRESS);
    if (long !== undefined) throw tooLong(name, LONGEST_ADDRESS);
  }
}

function tooLong(what: string, most: number): GatehouseError {
  return new GatehouseError('bad_request', { message: `${what} is longer than ${most} bytes.` });
}
