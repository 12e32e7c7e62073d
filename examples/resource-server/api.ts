// A small API over orders, open to whoever brings the right access token.
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { type AccessToken, createVerifyToken, type TokenOptions } from './access-tokens.ts';
import { createCheckProof } from './dpop.ts';
import { createGuard, type Guard } from './guard.ts';

export interface ApiOptions extends TokenOptions {
  /** The address of this API as clients know it. */
  readonly baseUrl: string;
  readonly log: (line: string) => void;
}

export function createApi(options: ApiOptions): Koa {
  const guard = createGuard({
    baseUrl: options.baseUrl,
    verifyToken: createVerifyToken(options),
    checkProof: createCheckProof(),
  });
  const routes = createRoutes(guard);
  const app = new Koa();
  app.silent = true;
  app.on('error', (error: Error) => options.log(`failed: ${error.stack}`));
  app.use(logRequests(options.log));
  app.use(routes.routes() as unknown as Middleware);
  app.use(routes.allowedMethods() as unknown as Middleware);
  return app;
}

function createRoutes(needs: Guard): Router {
  const router = new Router();
  const get = (path: string, ...stack: Middleware[]) => router.get(path, ...(stack as never[]));
  const post = (path: string, ...stack: Middleware[]) => router.post(path, ...(stack as never[]));
  get('/health', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  get('/whoami', needs(), (ctx) => {
    const { subject, clientId, scopes } = tokenOf(ctx);
    ctx.body = { sub: subject, client_id: clientId, scope: [...scopes].join(' ') };
  });
  get('/orders', needs('orders:read'), (ctx) => {
    ctx.body = { orders: [{ id: 1, what: 'a brass door knob' }] };
  });
  post('/orders', needs('orders:read', 'orders:write'), (ctx) => {
    ctx.status = 201;
    ctx.body = { id: 2, by: tokenOf(ctx).subject };
  });
  return router;
}

const tokenOf = (ctx: Context) => ctx.state.token as AccessToken;

/** `GET /orders 403 needs the scope orders:read`. Never the token itself. */
function logRequests(log: ApiOptions['log']): Middleware {
  return async (ctx, next) => {
    await next();
    const { reason, token } = ctx.state as { reason?: string; token?: AccessToken };
    const who = token ? `for ${token.subject} by ${token.clientId}` : '';
    log([ctx.method, ctx.path, ctx.status, reason ?? who].filter(Boolean).join(' '));
  };
}
