// What goes wrong inside the library: logged with its trace, answered without its details.
import type { Context, Middleware } from 'koa';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { hasLeft } from './errors.ts';

const FAILURE = Symbol('failure');
type Carrier = { [FAILURE]?: unknown };

/** The listener for the library's `server_error`. */
export function noteFailure(ctx: unknown, error: unknown): void {
  ((ctx as Context).state as Carrier)[FAILURE] = error;
}

export function failureOf(ctx: Context): unknown {
  return (ctx.state as Carrier)[FAILURE];
}

/** No address of the library has a capital letter in front, or a slash at its end. */
const OTHER_SPELLING = /^\/[^/]*[A-Z]|.\/$/;

/**
 * The library answers those, too. What stands around it looks for the one address of an endpoint,
 * so that any other would lead past it.
 */
export const refuseOtherSpellings: Middleware = (ctx, next) => {
  if (OTHER_SPELLING.test(ctx.path)) throw new GatehouseError('not_found');
  return next();
};

/** Throws what the library has swallowed, so that one place answers all failures. */
export function raiseFailures(log: Log): Middleware {
  return async (ctx, next) => {
    // The library takes a body that has gone with its sender for one that others have read.
    if (hasLeft(ctx)) throw new GatehouseError('bad_request');
    await next();
    const failure = failureOf(ctx);
    if (failure === undefined) return addTrace(ctx);
    if (!isGatehouseError(failure)) log.debug({ path: ctx.path }, 'raised by the library');
    throw failure;
  };
}

/** The library's refusals in JSON, with what the support needs to find them in the log. */
function addTrace(ctx: Context): void {
  const body = ctx.body as { error?: unknown; trace?: unknown } | undefined;
  if (ctx.status < 400 || typeof body !== 'object' || !body?.error || body.trace) return;
  ctx.body = { ...body, trace: ctx.state.trace };
}
