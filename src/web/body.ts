// Reads the body of a request, and no more of it than anything of ours could need.
import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';
import type { Context } from 'koa';
import { GatehouseError } from '../lib/errors.ts';
import { syntheticRequest } from '../lib/synthetic-request.ts';

const LIMIT = 64 * 1024;

/** Throws `body_too_large`. */
export async function readBody(ctx: Context): Promise<Buffer> {
  if ((ctx.request.length ?? 0) > LIMIT) throw new GatehouseError('body_too_large');
  return collect(ctx.req);
}

/** By events: a body of one byte a chunk would cost an iterator more than twice as much. */
function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > LIMIT) stop(new GatehouseError('body_too_large'));
    };
    const stop = (error?: Error | null) => {
      // Left early, the connection stays: the refusal must still get through it.
      request.off('data', take);
      unwatch();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks));
    };
    const unwatch = finished(request, { writable: false }, stop);
    request.on('data', take);
  });
}

/**
 * Whoever comes after may read the form, or what was made of it, as if nobody had. It is UTF-8,
 * whatever charset its sender names: what was looked at here must be what is read there.
 */
export function giveBack(ctx: Context, body: Buffer): void {
  const { method, url } = ctx;
  const [type] = ctx.get('Content-Type').split(';');
  const headers = { ...ctx.headers, 'content-type': type };
  ctx.req = syntheticRequest({ method, url, headers }, body);
  ctx.request.req = ctx.req;
}
