// Gives each request its trace, and keeps at hand who asks and from where.
import type { Middleware } from 'koa';
import { traceCode } from '../../lib/ids.ts';
import { withRequest } from '../../lib/request-context.ts';
import type { ClientAddress } from '../client-address.ts';

/** @param hasty paths of tokens and health, which do not stand in line behind sign-ins */
export function requestContext(addressOf: ClientAddress, hasty: ReadonlySet<string>): Middleware {
  return (ctx, next) => {
    const trace = traceCode();
    ctx.state.trace = trace;
    const userAgent = ctx.get('User-Agent');
    // As it was sent: an address that cannot be parsed is refused further on.
    const [path = ''] = (ctx.req.url ?? '').split('?', 1);
    const mayWait = !hasty.has(path);
    return withRequest({ trace, address: addressOf(ctx.req), userAgent, mayWait }, next);
  };
}
