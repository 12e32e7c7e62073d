// Answers to relying parties, at the address that they have registered, byte for byte.
import type { Context } from 'koa';
import { forHeader, withFragment, withQuery } from '../lib/uris.ts';
import { inWords } from './answers-in-words.ts';
import type { Ctx } from './types.ts';

type Payload = Readonly<Record<string, string>>;

/** Koa's own `redirect` writes addresses anew. */
export function sendTo(ctx: Pick<Context, 'status' | 'set' | 'body'>, uri: string): void {
  ctx.status = 303;
  ctx.set('Location', forHeader(uri));
  ctx.body = '';
}

/** The response modes whose answer is a redirect, in the place of the library's. */
export const REDIRECTING: Readonly<Record<string, (ctx: Ctx, uri: string, p: Payload) => void>> = {
  query: (ctx, uri, payload) => sendTo(ctx, withQuery(uri, inWords(payload))),
  fragment: (ctx, uri, payload) => sendTo(ctx, withFragment(uri, inWords(payload))),
};
