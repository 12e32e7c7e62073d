// POST /test/clock, only with TEST_CLOCK=1 and only for peers on this machine.
import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import { z } from 'zod';
import type { TestClock } from '../../domain/nodes/test-clock.ts';
import { toIso } from '../../lib/clock.ts';
import { GatehouseError } from '../../lib/errors.ts';

const body = z.union([
  z.strictObject({ advance: z.string() }),
  z.strictObject({ reset: z.literal(true) }),
]);

const LOOPBACK = /^(::1|(::ffff:)?127\.)/;
const LIMIT = 1024;

/** Every request sees the time that the store says. */
export function syncTestClock(clock: TestClock): Middleware {
  return async (_ctx, next) => {
    await clock.sync();
    await next();
  };
}

export function testClockRoutes(clock: TestClock): Router {
  const router = new Router();
  router.post('/test/clock', async (ctx: Context) => {
    if (!LOOPBACK.test(ctx.req.socket.remoteAddress ?? '')) throw new GatehouseError('not_found');
    const wanted = body.safeParse(await readJson(ctx));
    if (!wanted.success) {
      const message = 'Send {"advance": "90s"} or {"reset": true}.';
      throw new GatehouseError('bad_request', { message });
    }
    const at =
      'advance' in wanted.data ? await clock.advance(wanted.data.advance) : await clock.reset();
    ctx.body = { now: toIso(at) };
  });
  return router;
}

async function readJson(ctx: Context): Promise<unknown> {
  let text = '';
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.length > LIMIT) throw new GatehouseError('body_too_large');
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatehouseError('bad_request', { message: "The body isn't valid JSON.", cause });
  }
}
