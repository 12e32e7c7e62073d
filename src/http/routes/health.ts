// Whether this process lives, and whether it can serve.

import Router from '@koa/router';
import type { Context } from 'koa';
import { TOLERATED } from '../../domain/nodes/clock-skew.ts';
import { setRetryAfter } from '../../lib/retry-after.ts';
import type { Draining } from '../draining.ts';

interface Needs {
  /** Whether the store can be read and written. */
  readonly isReady: () => Promise<boolean>;
  /** Milliseconds by which this machine's clock is ahead of the database's. */
  readonly clockSkew: () => number;
  readonly draining: Draining;
}

/** Seconds: the state is looked at once in each. */
/** Seconds. */
const RETRY_AFTER = 1;

export function healthRoutes({ isReady, clockSkew, draining }: Needs): Router {
  const router = new Router({ prefix: '/health' });
  router.get('/live', (ctx: Context) => {
    ctx.body = { status: 'ok' };
  });
  router.get('/ready', async (ctx: Context) => {
    const store = (await isReady()) ? 'ok' : 'unavailable';
    // Asked last: a stop may have begun while the store was waited for.
    const status = draining.hasBegun() ? 'stopping' : store;
    ctx.status = status === 'ok' ? 200 : 503;
    if (status !== 'ok') setRetryAfter(ctx, RETRY_AFTER);
    const skew = clockSkew();
    const off = Math.abs(skew) > TOLERATED ? { clock_skew: skew / 1000 } : {};
    ctx.body = { status, store, ...off };
  });
  return router;
}
