// Requests to the library's own endpoints that another door of ours makes within this process.
import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type Koa from 'koa';
import type { Context, Middleware } from 'koa';
import { defined, isRecord } from '../lib/narrow.ts';
import { perRequest } from '../lib/per-request.ts';
import { syntheticRequest } from '../lib/synthetic-request.ts';
import type { Unit } from '../store/statement.ts';
import { passRefusalOn } from './refusals.ts';
import { type Ctx, oidcOf } from './types.ts';
import { workOf } from './work.ts';

export interface InjectedRequest {
  /** Path of the endpoint. */
  readonly path: string;
  /** Undefined ones are left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** Headers of the outer request that the library is to see. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** The id of a client that has been authenticated already. */
  readonly client?: string;
  /** What is written with the request, if it is not refused: asked for once its answer is made. */
  readonly alongside?: (oidc: Ctx['oidc']) => Promise<Unit>;
}

export interface InjectedResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: OutgoingHttpHeaders;
  /** What the library has found and made on the way. */
  readonly oidc: Ctx['oidc'] | undefined;
}

export type Inject = (outer: Context, request: InjectedRequest) => Promise<InjectedResponse>;

/** Where the code of a sign-in without pages would go: the library wants an address for it. */
export const INTERNAL_REDIRECT_URI = 'https://nowhere.invalid/';

const AUTHENTICATED = perRequest<string>('authenticated client');

/** The client that a request of our own vouches for; nothing that is sent can set it. */
export function authenticatedClientOf(ctx: Ctx | undefined): string | undefined {
  return AUTHENTICATED.get(ctx);
}

/**
 * Its writes are a unit of their own. What fails inside is thrown.
 * @param unit commits what is written
 * @param library with everything that stands between
 */
export function createInject(app: Koa, unit: Middleware, library: Middleware): Inject {
  return async (outer, { path, parameters, headers = {}, client, alongside }) => {
    const request = innerMessage(path, parameters, headers);
    const ctx = app.createContext(request, new ServerResponse(request));
    ctx.state.trace = outer.state.trace;
    if (client !== undefined) AUTHENTICATED.set(ctx, client);
    await unit(ctx, async () => {
      await library(ctx, async () => undefined);
      await join(ctx, alongside);
    });
    passRefusalOn(ctx, outer);
    return {
      status: ctx.status,
      body: isRecord(ctx.body) ? ctx.body : {},
      headers: ctx.response.headers,
      oidc: oidcOf(ctx),
    };
  };
}

async function join(ctx: Context, alongside: InjectedRequest['alongside']): Promise<void> {
  const oidc = oidcOf(ctx);
  const unit = (oidc && ctx.status === 200 && (await alongside?.(oidc))) || [];
  const items = unit.map((statement) => ({ statement, conflict: undefined, revokes: false }));
  // First: whatever ends a session holds its row before it looks at tokens.
  workOf(ctx)?.items.unshift(...items);
}

function innerMessage(
  url: string,
  parameters: InjectedRequest['parameters'],
  headers: Readonly<Record<string, string | undefined>>,
): IncomingMessage {
  const body = Buffer.from(new URLSearchParams(defined(parameters)).toString());
  const form = 'application/x-www-form-urlencoded';
  const all = { ...defined(headers), 'content-type': form, accept: 'application/json' };
  return syntheticRequest({ method: 'POST', url, headers: all }, body);
}
