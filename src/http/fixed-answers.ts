// Discovery and JWKS: built by the library once, then answered from memory before anything else.
import { createHash } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import { headersOf } from './middleware/security.ts';

interface Fixed {
  readonly body: Buffer;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface FixedAnswers {
  /** Whether the request was one of those and has been answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

const SECONDS = 60;

/**
 * Asks the library itself, so that the answer is its own to the letter.
 * @param app the Provider, which is a Koa application
 */
export async function buildFixedAnswers(
  app: Koa,
  library: Middleware,
  paths: readonly string[],
): Promise<FixedAnswers> {
  const built = await Promise.all(paths.map((path) => build(app, library, path)));
  const answers = new Map(paths.map((path, index) => [path, built[index] as Fixed]));
  return {
    handle: (request, response) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') return false;
      const fixed = answers.get(request.url ?? '');
      if (!fixed) return false;
      send(request, response, fixed);
      return true;
    },
  };
}

async function build(app: Koa, library: Middleware, path: string): Promise<Fixed> {
  const request = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: path });
  const ctx = app.createContext(request, new ServerResponse(request));
  await library(ctx, async () => undefined);
  const body = Buffer.from(JSON.stringify(ctx.body));
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 20)}"`;
  const headers = {
    ...headersOf(ctx.origin),
    'Content-Type': ctx.response.get('Content-Type') || 'application/json',
    'Cache-Control': `public, max-age=${SECONDS}`,
    ETag: etag,
    Vary: 'Origin',
  };
  return { body, etag, headers };
}

function send(request: IncomingMessage, response: ServerResponse, fixed: Fixed): void {
  const headers = {
    ...fixed.headers,
    'Access-Control-Allow-Origin': request.headers.origin ?? '*',
  };
  if (isKnown(request, fixed.etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'Content-Length': fixed.body.length });
  response.end(request.method === 'HEAD' ? undefined : fixed.body);
}

/** RFC 9110, 13.1.2: one of a list, or any; a proxy that compresses makes strong tags weak. */
function isKnown(request: IncomingMessage, etag: string): boolean {
  const known = request.headers['if-none-match'] ?? '';
  return known === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
