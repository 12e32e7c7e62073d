// Requests to the library's own endpoints that another door of ours makes within this process.
import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type Koa from 'koa';
import type { Context, Middleware } from 'koa';
import { requestWith } from '../lib/requests.ts';
import type { Ctx } from './types.ts';

export interface InnerRequest {
  /** Path of the endpoint. */
  readonly path: string;
  /** Undefined ones are left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** Headers of the outer request that the library is to see. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** The id of a client that has been authenticated already. */
  readonly client?: string;
}

export interface InnerAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: OutgoingHttpHeaders;
  /** What the library has found and made on the way. */
  readonly oidc: Ctx['oidc'] | undefined;
}

export type AskLibrary = (outer: Context, request: InnerRequest) => Promise<InnerAnswer>;

/** Where the code of a sign-in without pages would go: the library wants an address for it. */
export const NOWHERE = 'https://nowhere.invalid/';

const AUTHENTICATED = Symbol('authenticated client');
type Carrier = { readonly state?: { [AUTHENTICATED]?: string | undefined } };

/** The client that a request of our own vouches for; nothing that is sent can set it. */
export function authenticatedClientOf(ctx: unknown): string | undefined {
  return (ctx as Carrier | undefined)?.state?.[AUTHENTICATED];
}

/**
 * Its writes are a unit of their own. What fails inside is thrown.
 * @param answer everything that stands around the library, and the library
 */
export function createAskLibrary(app: Koa, answer: Middleware): AskLibrary {
  return async (outer, { path, parameters, headers = {}, client }) => {
    const request = innerMessage(path, parameters, headers);
    const ctx = app.createContext(request, new ServerResponse(request)) as Context;
    Object.assign(ctx.state, { trace: outer.state.trace, [AUTHENTICATED]: client });
    await answer(ctx, async () => undefined);
    return {
      status: ctx.status,
      body: (ctx.body ?? {}) as Record<string, unknown>,
      headers: ctx.response.headers,
      oidc: (ctx as unknown as Partial<Ctx>).oidc,
    };
  };
}

function innerMessage(
  url: string,
  parameters: InnerRequest['parameters'],
  headers: Readonly<Record<string, string | undefined>>,
): IncomingMessage {
  const body = Buffer.from(new URLSearchParams(given(parameters)).toString());
  const form = 'application/x-www-form-urlencoded';
  const all = { ...given(headers), 'content-type': form, accept: 'application/json' };
  return requestWith({ method: 'POST', url, headers: all }, body);
}

function given(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}
