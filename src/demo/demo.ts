// Starts and stops the demo relying party, a small web app that shows how a sign-in works.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import Koa, { type Context, type Next } from 'koa';
import type { Demo, DemoOptions } from './options.ts';
import { describeProblem, type Problem } from './problems.ts';
import { createProvider } from './provider.ts';
import { createRoutes } from './routes.ts';
import { createSessions } from './sessions.ts';

export type { Demo, DemoLog, DemoOptions } from './options.ts';

const stopGraceMs = 1000;

export async function startDemo(options: DemoOptions): Promise<Demo> {
  const server = createServer(createApp(options).callback());
  await listen(server, options);
  options.log.info({ url: options.baseUrl }, 'Example app is ready');
  let stopped: Promise<void> | undefined;
  return {
    url: options.baseUrl,
    stop() {
      stopped ??= close(server);
      return stopped;
    },
  };
}

function createApp(options: DemoOptions): Koa {
  const parts = { options, provider: createProvider(options), sessions: createSessions() };
  const routes = createRoutes(parts);
  const app = new Koa();
  app.on('error', (err: Error) => options.log.error({ err }, 'The example app failed'));
  app.use(securityHeaders(options));
  app.use(errorPages(options));
  app.use(routes.routes());
  app.use(routes.allowedMethods());
  return app;
}

function securityHeaders({ issuer }: DemoOptions) {
  const { origin } = new URL(issuer);
  const headers = {
    'Content-Security-Policy':
      `default-src 'none'; style-src 'self' ${origin}; script-src ${origin}; ` +
      `img-src 'self' ${origin} data:; base-uri 'none'; frame-ancestors 'none'`,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  };
  return (ctx: Context, next: Next) => {
    ctx.set(headers);
    return next();
  };
}

function errorPages(options: DemoOptions) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next();
    } catch (error) {
      const described = describeProblem(error, options.issuer);
      logProblem(options, described, error);
      showProblem(options, ctx, described);
      return;
    }
    const message = unservedMessages.get(ctx.status);
    if (message !== undefined) showProblem(options, ctx, { status: ctx.status, message });
  };
}

const unservedMessages = new Map([
  [404, 'There is no such page here.'],
  [405, 'This page cannot be asked for in this way.'],
  [501, 'This page cannot be asked for in this way.'],
]);

function logProblem({ log }: DemoOptions, described: Problem, error: unknown): void {
  if (described.status === 500) log.error({ err: error }, 'The example app failed');
  else if (described.status >= 500) log.warn({ ...described }, 'The example app showed an error');
  else log.info({ ...described }, 'The example app showed an error');
}

function showProblem({ render }: DemoOptions, ctx: Context, described: Problem): void {
  const { status, ...words } = described;
  ctx.status = status;
  ctx.type = 'html';
  ctx.body = render('demo/error', { ...words, actions: { back: '/' } });
}

async function listen(server: Server, { host, port }: DemoOptions): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new Error(`Port ${port} is in use. Set DEMO_PORT to another one.`, { cause });
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // A browser's connection without a request on it counts as busy and would never end.
  const giveUp = setTimeout(() => server.closeAllConnections(), stopGraceMs);
  await closed;
  clearTimeout(giveUp);
}
