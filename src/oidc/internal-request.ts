// In-process requests to oidc-provider's endpoints, made while another endpoint answers.
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
  /** The path of the endpoint. */
  readonly path: string;
  /** Undefined values are left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** Headers of the outer request to pass on. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** The id of a client that has already authenticated. */
  readonly client?: string;
  /**
   * Called once the answer exists, unless it's a refusal: returns what to write in the same unit.
   */
  readonly alongside?: (oidc: Ctx['oidc']) => Promise<Unit>;
}

export interface InjectedResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: OutgoingHttpHeaders;
  /** What oidc-provider found and made meanwhile. */
  readonly oidc: Ctx['oidc'] | undefined;
}

export type Inject = (outer: Context, request: InjectedRequest) => Promise<InjectedResponse>;

/**
 * The redirect URI of a sign-in without pages: oidc-provider requires one, and no browser follows
 * it.
 */
export const INTERNAL_REDIRECT_URI = 'https://nowhere.invalid/';

const AUTHENTICATED = perRequest<string>('authenticated client');

/** The client that an in-process request vouches for. Nothing that is sent can set it. */
export function authenticatedClientOf(ctx: Ctx | undefined): string | undefined {
  return AUTHENTICATED.get(ctx);
}

/**
 * Makes requests whose writes are a unit of their own. What fails inside is thrown.
 * @param unit commits what was written
 * @param library oidc-provider, with the middleware around it
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
  // These come first: whatever ends a session locks its row before it looks at tokens.
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
