// A page that shows a trace code leaves a row by which the code leads to its sign-in.
import type { Context, Middleware } from 'koa';
import type { Audit } from '../../domain/audit/audit.ts';
import { currentRequest } from '../../lib/request-context.ts';
import type { Flows } from '../../signin/flow.ts';
import { SIGN_IN_PATH } from '../../web/paths.ts';

export interface TraceAuditNeeds {
  readonly audit: Audit;
  readonly flows: Pick<Flows, 'findRow'>;
  /** The keyed hash by which rows refer to an interaction. */
  readonly keyOf: (uid: string) => string;
}

/** The pages of a sign-in, and where the library goes on with it. */
const BELOW_SIGN_IN = new RegExp(`^(?:${SIGN_IN_PATH}|/authorize|/device)/([\\w-]{1,64})(?:/|$)`);

/** Pages that say what is wrong without an error code. */
const REASONS: Readonly<Record<number, string>> = { 400: 'cookies_needed', 410: 'flow_expired' };

export function recordTrace(needs: TraceAuditNeeds): Middleware {
  return async (ctx, next) => {
    await next();
    // As it was sent: what cannot be parsed has no path, and has been refused.
    const [path = ''] = (ctx.req.url ?? '').split('?');
    const uid = BELOW_SIGN_IN.exec(path)?.[1];
    // While the database is away there is nothing to ask it.
    if (uid && ctx.status !== 503 && showsTrace(ctx)) await record(ctx, uid, needs);
  };
}

export function showsTrace({ status, body, state }: Context): boolean {
  if (status < 400) return false;
  const trace = state.trace as string;
  return typeof body === 'string'
    ? body.includes(trace)
    : (body as { trace?: unknown } | undefined)?.trace === trace;
}

/** A stable code for what the answer is about. */
export function problemOf(ctx: Context): string {
  return String(ctx.state.problem ?? REASONS[ctx.status] ?? ctx.status);
}

async function record(ctx: Context, uid: string, { audit, flows, keyOf }: TraceAuditNeeds) {
  const flow = await flows.findRow(keyOf(uid)).catch(() => undefined);
  const flowId = flow?.id ?? currentRequest().flowId;
  if (flowId === undefined) return;
  const reason = problemOf(ctx);
  const whose = { flowId, accountId: flow?.accountId, clientId: flow?.clientId };
  const refused = { ...whose, kind: 'sign_in.finished', outcome: 'refused', reason } as const;
  await audit.fold(refused, { ofFlow: flow?.accountId !== undefined });
}
