// The unit of a request that oidc-provider answers: all its writes are committed, or none.
import type { Context, Middleware } from 'koa';
import { now } from '../lib/clock.ts';
import { perRequest } from '../lib/per-request.ts';
import type { Counted } from '../store/artifacts.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { type Ctx, oidcOf } from './types.ts';

/** What it means for the caller that a statement failed the unit. */
export type Conflict =
  | {
      readonly kind: 'oauth';
      readonly error: string;
      readonly description: string;
      /** Audits the refusal, because the unit with the request's own event isn't written. */
      readonly record?: () => Promise<void>;
    }
  | { readonly kind: 'session-gone' }
  /** Too many requests are open: `otherwise` changes the unit for another try, or throws. */
  | { readonly kind: 'crowded'; readonly otherwise: (again: Work) => Promise<void> };

export interface Item {
  readonly statement: Statement;
  readonly conflict: Conflict | undefined;
  /** It revokes something, so it's written even if the request is refused. */
  readonly revokes: boolean;
}

export interface Work {
  /** Milliseconds. */
  readonly startedAt: number;
  readonly items: Item[];
  /** Written last, so that counters shared by many requests are locked only for the commit. */
  readonly counts: Item[];
  /** The open requests that this request found, by their keys. */
  readonly counted: Map<string, Counted>;
  /** The writes include a code or an allowed device code. */
  issues: boolean;
  /** The code or refresh token that was sent. */
  source?: Source;
  /** The refresh token that was sent had been replaced within the reuse interval. */
  isReused?: boolean;
}

export interface Source {
  readonly accountId?: string;
  /** The row of the sign-in that it came from. */
  readonly flow?: string;
}

const WORK = perRequest<Work>('work');

export function workOf(ctx: Context | Ctx | undefined): Work | undefined {
  return WORK.get(ctx);
}

/**
 * Runs `write` and returns its statements, for the caller to commit immediately: other requests
 * must see them before this one is answered. Nothing else may write meanwhile.
 */
export async function setAside(ctx: Ctx, write: () => Promise<unknown>): Promise<Statement[]> {
  const work = workOf(ctx);
  if (!work) throw new Error('no request is being answered');
  const mark = work.items.length;
  await write();
  return work.items.splice(mark).map((item) => item.statement);
}

export interface Answers {
  /** Replaces the answer of a request whose writes lost a race. */
  oauthError(ctx: Context, error: string, description: string): Promise<void>;
  sessionGone(ctx: Context): Promise<void>;
}

/** Commits what oidc-provider wrote, before its answer leaves. */
export function unitOfWork(store: Store, sessionCookie: string, answers: Answers): Middleware {
  return async (ctx, next) => {
    const startedAt = now();
    const work: Work = { startedAt, items: [], counts: [], counted: new Map(), issues: false };
    WORK.set(ctx, work);
    await next();
    dropUnchangedCookie(ctx, sessionCookie);
    const conflict = await commit(store, isRefused(ctx) ? revocationsOf(work) : work);
    // The session of the cookie wasn't written.
    if (conflict && !oidcOf(ctx)?.session?.destroyed) dropCookie(ctx, sessionCookie);
    if (conflict?.kind === 'oauth') await refuse(ctx, conflict, answers);
    if (conflict?.kind === 'session-gone') await withoutSession({ store, ctx, work, answers });
  };
}

type Refused = Extract<Conflict, { kind: 'oauth' }>;
type Gone = Extract<Conflict, { kind: 'session-gone' }>;

async function refuse(ctx: Context, { error, description, record }: Refused, answers: Answers) {
  await record?.();
  await answers.oauthError(ctx, error, description);
}

/**
 * Whether the token request was refused. oidc-provider spends a code or refresh token before it has
 * checked everything, and a refused request must not cost the client what it sent.
 */
function isRefused(ctx: Context): boolean {
  return oidcOf(ctx)?.route === 'token' && ctx.status >= 400;
}

function revocationsOf(work: Work): Work {
  return { ...work, items: work.items.filter((item) => item.revokes), counts: [] };
}

async function commit(store: Store, work: Work): Promise<Refused | Gone | undefined> {
  const items = [...work.items, ...work.counts];
  if (items.length === 0) return undefined;
  const outcome = await store.commit(items.map((item) => item.statement));
  if (outcome.kind === 'committed') return undefined;
  const conflict = items[outcome.at]?.conflict;
  if (conflict?.kind !== 'crowded') return conflict ?? CHANGED;
  await conflict.otherwise(work);
  return commit(store, work);
}

/**
 * Answers a request whose session ended, or whose account moved on, while it ran. Nothing may be
 * issued for it; any other answer stands, without the session's cookie.
 */
async function withoutSession({ store, ctx, work, answers }: Late): Promise<void> {
  if (work.issues) {
    await answers.sessionGone(ctx);
    return;
  }
  const rest = work.items.filter((item) => item.conflict?.kind !== 'session-gone');
  await commit(store, { ...work, items: rest });
}

interface Late {
  readonly store: Store;
  readonly ctx: Context;
  readonly work: Work;
  readonly answers: Answers;
}

/**
 * Sends the session's cookie only if it's new. oidc-provider sets it with every answer, so a
 * request that ran in parallel with a sign-in would put the old identifier back into the browser.
 */
function dropUnchangedCookie(ctx: Context, name: string): void {
  const session = oidcOf(ctx)?.session;
  if (!session || session.destroyed) return;
  if (ctx.cookies.get(name) === session.id || session.loaded?.isReplaced) dropCookie(ctx, name);
}

function dropCookie(ctx: Context, name: string): void {
  const set = [ctx.res.getHeader('Set-Cookie') ?? []].flat().map(String);
  const own = [`${name}=`, `${name}.sig=`];
  const kept = set.filter((line) => line && !own.some((start) => line.startsWith(start)));
  ctx.remove('Set-Cookie');
  if (kept.length > 0) ctx.set('Set-Cookie', kept);
}

export function oauthError(error: string, description: string): Refused {
  return { kind: 'oauth', error, description };
}

const CHANGED = oauthError('invalid_request', 'the data changed meanwhile, try again');

export const SESSION_GONE: Conflict = { kind: 'session-gone' };
