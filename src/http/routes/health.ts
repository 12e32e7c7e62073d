// Whether this process lives, and whether it can serve.
import Router from '@koa/router';
import type { Context } from 'koa';

const PATIENCE = 2_000;

/** @param ping rejects or hangs when the store cannot be reached */
export function healthRoutes(ping: () => Promise<unknown>): Router {
  const router = new Router({ prefix: '/health' });
  router.get('/live', ((ctx: Context) => {
    ctx.body = { status: 'ok' };
  }) as never);
  router.get('/ready', (async (ctx: Context) => {
    const store = await withinPatience(ping());
    ctx.status = store ? 200 : 503;
    ctx.body = { status: store ? 'ok' : 'unavailable', store: store ? 'ok' : 'unavailable' };
  }) as never);
  return router;
}

async function withinPatience(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE);
  });
  const done = work.then(
    () => true,
    () => false,
  );
  return Promise.race([done, late]).finally(() => clearTimeout(timer));
}
