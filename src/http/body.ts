// Reads the body of a request, and no more of it than anything of ours could need.
import type { Context } from 'koa';
import { GatehouseError } from '../lib/errors.ts';
import { requestWith } from '../lib/requests.ts';

const LIMIT = 64 * 1024;

/** Throws `body_too_large`. */
export async function readBody(ctx: Context): Promise<Buffer> {
  if ((ctx.request.length ?? 0) > LIMIT) throw new GatehouseError('body_too_large');
  const chunks: Buffer[] = [];
  let size = 0;
  // Left early, the connection stays: the refusal must still get through it.
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > LIMIT) throw new GatehouseError('body_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whoever comes after may read the body, or what was made of it, as if nobody had. */
export function giveBack(ctx: Context, body: Buffer): void {
  const { method, url, headers } = ctx;
  ctx.req = requestWith({ method, url, headers }, body);
  ctx.request.req = ctx.req;
}
