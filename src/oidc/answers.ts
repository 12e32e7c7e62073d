// Answers to relying parties: appended to the registered address, byte for byte.
import type { Context } from 'koa';
import type { CanBePromise } from 'oidc-provider';
import { forHeader, withFragment, withQuery } from '../lib/uris.ts';
import { inWords } from './answers-in-words.ts';
import type { Ctx } from './types.ts';

type Payload = Readonly<Record<string, unknown>>;

/** Redirects to the address as it is; Koa's own `redirect` would encode it again. */
export function sendTo(ctx: Pick<Context, 'status' | 'set' | 'body'>, uri: string): void {
  ctx.status = 303;
  ctx.set('Location', forHeader(uri));
  ctx.body = '';
}

export type ResponseMode = (ctx: Ctx, uri: string, payload: Payload) => CanBePromise<void>;

/** The response modes that redirect, replacing those of oidc-provider. */
export const REDIRECTING: Readonly<Record<string, ResponseMode>> = {
  query: (ctx, uri, payload) => sendTo(ctx, withQuery(uri, textsIn(payload))),
  fragment: (ctx, uri, payload) => sendTo(ctx, withFragment(uri, textsIn(payload))),
};

function textsIn(payload: Payload): Record<string, string> {
  const entries = Object.entries(inWords(payload));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
