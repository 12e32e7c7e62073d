// The last word on every request: an answer without details for what went wrong.

import type { Context, Middleware } from 'koa';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { logFailure, repeatedLines } from '../../lib/repeated-lines.ts';
import { setRetryAfter } from '../../lib/retry-after.ts';
import type { Translate } from '../../web/catalogue.ts';
import type { Render } from '../../web/render.ts';

export interface ErrorNeeds {
  readonly log: Log;
  readonly render: Render;
  readonly t: Translate;
}

export interface Problem {
  readonly error: string;
  readonly error_description?: string | undefined;
}

/** Turns what is thrown into an answer. */
export function catchErrors({ log, render, t }: ErrorNeeds): Middleware {
  const site = { render, t };
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && ctx.body === undefined) throw new GatehouseError('not_found');
    } catch (error) {
      const left = hasLeft(ctx);
      answer(ctx, left ? new GatehouseError('bad_request') : toGatehouse(error, log), site);
    } finally {
      // What is left of a body that was too large would stand before the next request.
      if (!ctx.req.complete) ctx.req.resume();
    }
  };
}

/** Whoever goes away in the middle of a request is no failure of ours, and reads no answer. */
export function hasLeft({ req }: Context): boolean {
  return req.destroyed && !req.complete;
}

function toGatehouse(error: unknown, log: Log): GatehouseError {
  if (!isGatehouseError(error)) {
    logDefect(error, 'a request failed', log);
    return new GatehouseError('internal', { cause: error });
  }
  if (error.code === 'busy') repeatedLines(log).state('busy', () => log.warn(error.message));
  else if (error.code === 'store_unavailable') logFailure(log, error, error.message);
  else if (error.status >= 500) logDefect(error.cause ?? error, error.message, log);
  return error;
}

/** Stack traces in ten seconds of one defect that every request meets. */
const MOST_TRACES = 20;

function logDefect(error: unknown, words: string, log: Log): void {
  const { name, message } = (error ?? {}) as Partial<Error>;
  const write = () => log.error({ err: error }, words);
  repeatedLines(log).event(`${name}: ${message}`.slice(0, 200), write, MOST_TRACES);
}

type Showing = Pick<ErrorNeeds, 'render' | 't'>;

function answer(ctx: Context, error: GatehouseError, { render, t }: Showing): void {
  // Nothing that was meant for another answer may leave with this one.
  for (const header of ['Set-Cookie', 'Location', 'ETag', 'Cache-Control']) ctx.remove(header);
  ctx.set('Cache-Control', 'no-store');
  ctx.status = error.status;
  setRetryAfter(ctx, error.retryAfter);
  if (error.allow) ctx.set('Allow', error.allow.join(', '));
  const problem = { error: error.code, error_description: error.message };
  showProblem(ctx, problem, { render, t });
}

/** As a page for a browser, as JSON for everybody else. */
export function showProblem(ctx: Context, problem: Problem, { render, t }: Showing): void {
  const trace = ctx.state.trace as string;
  ctx.state.problem = problem.error;
  if (ctx.state.speaksJson || ctx.accepts('json', 'html') !== 'html') {
    ctx.body = { ...problem, trace };
    return;
  }
  ctx.type = 'html';
  ctx.body = render('error', { message: messageFor(problem, t), trace, detail: problem });
}

function messageFor({ error, error_description: description }: Problem, t: Translate): string {
  const known = `errors.${error}`;
  try {
    return t(known);
  } catch {
    return description ?? t('errors.internal');
  }
}
