// One unit of work for each request that oidc-provider answers: all its writes, or none.
import type { Context, Middleware } from 'koa';
import { now } from '../lib/clock.ts';
import { perRequest } from '../lib/per-request.ts';
import type { Counted } from '../store/artifacts.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { type Ctx, oidcOf } from './types.ts';

/** What a missed statement means for the caller. */
export type Conflict =
  | {
      readonly kind: 'oauth';
      readonly error: string;
      readonly description: string;
      /** Records the refusal: the unit that would have told of the request is not written. */
      readonly record?: () => Promise<void>;
    }
  | { readonly kind: 'session-gone' }
  /** Too many requests are open: `otherwise` changes the unit for another try, or throws. */
  | { readonly kind: 'crowded'; readonly otherwise: (again: Work) => Promise<void> };

export interface Item {
  readonly statement: Statement;
  readonly conflict: Conflict | undefined;
  /** Takes something away: it stands also when the request is refused. */
  readonly revokes: boolean;
}

export interface Work {
  /** Milliseconds. */
  readonly startedAt: number;
  readonly items: Item[];
  /** Counters that many requests share are locked last, for one commit. */
  readonly counts: Item[];
  /** What the request has found that counts as an open request, by its key. */
  readonly counted: Map<string, Counted>;
  /** A code or an allowed device code is among the writes. */
  issues: boolean;
  /** The code or refresh token that the request has sent. */
  source?: Source;
  /** What it has sent is a refresh token that was replaced within the reuse interval. */
  isReused?: boolean;
}

export interface Source {
  readonly accountId?: string;
  /** The row of the sign-in that brought it. */
  readonly flow?: string;
}

const WORK = perRequest<Work>('work');

export function workOf(ctx: Context | Ctx | undefined): Work | undefined {
  return WORK.get(ctx);
}

/**
 * Runs `write` and gives its statements to the caller, who commits them now: for what other
 * requests must see before this one is answered. Nothing else may write meanwhile.
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

/** Commits what the library wrote before its answer leaves. */
export function unitOfWork(store: Store, sessionCookie: string, answers: Answers): Middleware {
  return async (ctx, next) => {
    const startedAt = now();
    const work: Work = { startedAt, items: [], counts: [], counted: new Map(), issues: false };
    WORK.set(ctx, work);
    await next();
    dropUnchangedCookie(ctx, sessionCookie);
    const conflict = await commit(store, isRefused(ctx) ? revocationsOf(work) : work);
    // What the session's cookie stands for has not been written.
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
 * The library spends a code or a refresh token before it has looked at everything. A request that
 * it refuses in the end must not cost the client what it sent.
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
 * The session ended, or its account moved on, while the request ran. Nothing may be issued for it;
 * an answer that issues nothing stands, without the session's cookie.
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
 * The library sets the session's cookie again at each answer. A request that ran beside a sign-in
 * would so put the old identifier back into the browser: only a new one is sent.
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

const CHANGED = oauthError('invalid_request', 'something changed meanwhile');

export const SESSION_GONE: Conflict = { kind: 'session-gone' };
