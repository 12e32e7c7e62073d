// A refusal as applications read it: a code for the program, a sentence for who writes it.

import type { Context, Middleware } from 'koa';
import type { Limited } from '../../../domain/limits/attempt.ts';
import { now, toIso } from '../../../lib/clock.ts';
import { isGatehouseError } from '../../../lib/errors.ts';
import { secondsUntil } from '../../../lib/retry-after.ts';
import type { InjectedResponse } from '../../../oidc/internal-request.ts';
import type { Wrong } from '../../../signin/first-party.ts';

export type Members = Readonly<Record<string, unknown>>;

export class ApiError extends Error {
  readonly status: number;
  readonly error: string;
  readonly members: Members;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    error: string,
    description: string,
    members: Members = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(description);
    this.name = 'Refusal';
    this.status = status;
    this.error = error;
    this.members = members;
    this.headers = headers;
  }
}

/** All that is thrown here is answered in JSON, whatever the caller would rather read. */
export const answerInJson: Middleware = async (ctx, next) => {
  ctx.state.speaksJson = true;
  try {
    await next();
  } catch (error) {
    if (error instanceof ApiError) return refuse(ctx, error);
    if (!isGatehouseError(error, 'bad_request')) throw error;
    refuse(ctx, new ApiError(400, 'invalid_request', error.message));
  }
};

function refuse(ctx: Context, { status, error, message, members, headers }: ApiError): void {
  ctx.status = status;
  ctx.set(headers);
  ctx.state.problem = error;
  ctx.body = { error, error_description: message, ...members, trace: ctx.state.trace };
}

/** What the library has refused, in its own words. */
export function refusalOfLibrary({ status, body, headers }: InjectedResponse): ApiError {
  if (status === 429) return tooMany(limitedUntil(Number(headers['retry-after'])));
  const { error, error_description: description, trace: _, ...members } = body;
  const kept = ['www-authenticate', 'retry-after'].flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, String(value)]];
  });
  return new ApiError(
    status,
    String(error),
    String(description ?? ''),
    members,
    Object.fromEntries(kept),
  );
}

function limitedUntil(seconds: number): Full {
  return { kind: 'limited', retryAt: now() + seconds * 1000 };
}

type Full = Pick<Limited, 'kind' | 'retryAt'>;
type Standing = Exclude<Wrong, Limited> | Full;

/** How often it may still be tried, and when failures are forgotten. */
export function standingOf(outcome: Standing) {
  const isLimited = outcome.kind === 'limited';
  const resetAt = isLimited ? outcome.retryAt : outcome.resetAt;
  return {
    attempts_remaining: isLimited ? 0 : outcome.left,
    reset_at: resetAt === undefined ? null : toIso(resetAt),
  };
}

export function retryAfter({ retryAt }: { readonly retryAt: number | undefined }) {
  if (retryAt === undefined) return {};
  return { 'Retry-After': String(secondsUntil(retryAt)) };
}

export function tooMany(outcome: Full, members: Members = {}): ApiError {
  const description = 'Too many attempts. Nothing was looked at; try again when reset_at has come.';
  const standing = standingOf(outcome);
  return new ApiError(
    429,
    'rate_limited',
    description,
    { ...members, ...standing },
    retryAfter(outcome),
  );
}
