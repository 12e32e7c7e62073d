// Requests to a Gatehouse in this process, and how long each keeps its thread busy.
import { type IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type Koa from 'koa';
import { syntheticRequest } from '../../src/lib/synthetic-request.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: ReturnType<ServerResponse['getHeaders']>;
  readonly body: string;
  /** Milliseconds in which the thread could do nothing else, at most. */
  readonly busy: number;
}

export type Ask = (asked: Asked) => Promise<Answered>;

export function createAsk(app: Koa): Ask {
  const answer = app.callback();
  return async (asked) => {
    const request = messageOf(asked);
    const response = new ServerResponse(request);
    const ended = new Promise<string>((resolve) => {
      response.end = ((chunk?: unknown) => {
        resolve(chunk === undefined ? '' : String(chunk));
        return response;
      }) as typeof response.end;
    });
    await new Promise((resolve) => setImmediate(resolve));
    const cpu = process.cpuUsage();
    const loop = performance.eventLoopUtilization();
    void answer(request, response);
    const body = await ended;
    const { active } = performance.eventLoopUtilization(loop);
    const { user, system } = process.cpuUsage(cpu);
    // The one counts what neighbours took away from us, the other what our other threads did.
    const busy = Math.min(active, (user + system) / 1000);
    return { status: response.statusCode, headers: response.getHeaders(), body, busy };
  };
}

function messageOf({ method, url, headers, body = '' }: Asked): IncomingMessage {
  const message = syntheticRequest({ method, url, headers }, Buffer.from(body));
  Object.defineProperty(message.socket, 'remoteAddress', { value: '127.0.0.1' });
  if (body === '') delete message.headers['content-length'];
  return message;
}
