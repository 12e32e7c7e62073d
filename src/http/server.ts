// The HTTP server around the application: what is fixed is answered before anything else.
import { createServer, type Server } from 'node:http';
import type Koa from 'koa';
import type { Config } from '../config/schema.ts';
import type { Log } from '../lib/log.ts';
import { boundConnections } from './connections.ts';
import type { Draining } from './draining.ts';
import type { FixedAnswers } from './fixed-answers.ts';

const KEEP_ALIVE = 75_000;
/** How late a slow sender may be found out; Node looks every 30 seconds unless told. */
const LOOK_EVERY = 1_000;

interface Served {
  readonly app: Koa;
  readonly fixed: FixedAnswers;
  readonly draining: Draining;
  readonly config: Pick<Config, 'http' | 'trusted_proxies'>;
  readonly log: Log;
}

/** The HTTP server of a house, not listening yet. */
export function createHttpServer({ app, fixed, draining, config, log }: Served): Server {
  const answer = app.callback();
  const server = createServer({ connectionsCheckingInterval: LOOK_EVERY }, (request, response) => {
    // Whoever asks next is to connect anew, and so to another process.
    if (draining.hasBegun()) response.shouldKeepAlive = false;
    if (!fixed.handle(request, response)) answer(request, response);
  });
  boundConnections(server, { config, log });
  // Longer than proxies keep a connection open: who closes first must not be us.
  server.keepAliveTimeout = KEEP_ALIVE;
  server.headersTimeout = config.http.headers_timeout * 1000;
  server.requestTimeout = config.http.request_timeout * 1000;
  return server;
}
