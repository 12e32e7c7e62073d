// Whether this process lives, and whether it can serve.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { Leaving } from '../leaving.ts';

const PATIENCE = 2_000;

interface Needs {
  /** Rejects or hangs when the store cannot be reached. */
  readonly ping: () => Promise<unknown>;
  readonly leaving: Leaving;
}

export function healthRoutes({ ping, leaving }: Needs): Router {
  const router = new Router({ prefix: '/health' });
  router.get('/live', ((ctx: Context) => {
    ctx.body = { status: 'ok' };
  }) as never);
  router.get('/ready', (async (ctx: Context) => {
    const store = (await withinPatience(ping())) ? 'ok' : 'unavailable';
    // Asked last: a stop may have begun while the store was waited for.
    const status = leaving.hasBegun() ? 'stopping' : store;
    ctx.status = status === 'ok' ? 200 : 503;
    ctx.body = { status, store };
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
