// Notes what oidc-provider refuses and why, for the log; refused clients also for the audit.
import type { EventEmitter } from 'node:events';
import type { Context, Middleware } from 'koa';
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Audit } from '../domain/audit/audit.ts';
import { describeCause } from '../lib/causes.ts';
import { perRequest } from '../lib/per-request.ts';
import type { Ctx } from './types.ts';

/** For operators: the caller gets fewer details. */
export interface NotedRefusal {
  readonly error: string;
  readonly reason: string | undefined;
  /** The id that was sent, if there is no such client. */
  readonly client: string | undefined;
  readonly isClientKnown: boolean;
}

const REFUSAL = perRequest<NotedRefusal>('refusal');
const CLIENT_REFUSED = perRequest<ClientRefusal>('client refused');

interface ClientRefusal {
  readonly clientId: string;
  readonly endpoint: string;
  readonly reason: string;
  /** The name it's counted under, because the reason may contain what was sent. */
  readonly as: string;
}

/** The events of oidc-provider's errors, one for each endpoint. */
const EVENTS = [
  'authorization.error',
  'grant.error',
  'userinfo.error',
  'introspection.error',
  'revocation.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'code_verification.error',
  'device_resume.error',
  'end_session.error',
  'end_session_confirm.error',
] as const;

type LibraryError = errors.OIDCProviderError;

export function noteRefusals(provider: Provider): void {
  const note = (ctx: Ctx, error: LibraryError) => {
    REFUSAL.set(ctx, refusalOf(ctx, error));
    const ofClient = clientRefusalOf(ctx, error);
    if (ofClient) CLIENT_REFUSED.set(ctx, ofClient);
  };
  const emitter: EventEmitter = provider;
  for (const event of EVENTS) emitter.on(event, note);
}

export function notedRefusal(ctx: Context): NotedRefusal | undefined {
  return REFUSAL.get(ctx);
}

/** An outer request is refused for the same reason as the in-process request that it made. */
export function passRefusalOn(inner: Context, outer: Context): void {
  const noted = notedRefusal(inner);
  if (noted) REFUSAL.set(outer, noted);
}

/** Audits clients that failed to authenticate, at whichever endpoint. */
export function recordRefusedClients({ fold }: Audit): Middleware {
  return async (ctx, next) => {
    await next();
    const refused = CLIENT_REFUSED.get(ctx);
    if (!refused) return;
    const { clientId, endpoint, reason, as } = refused;
    const event = { kind: 'client.refused', outcome: 'refused', reason, clientId } as const;
    await fold({ ...event, detail: { endpoint } }, { as });
  };
}

function refusalOf(ctx: Ctx, error: LibraryError): NotedRefusal {
  const sent = ctx.oidc.params?.client_id;
  const known = ctx.oidc.client?.clientId;
  return {
    error: error.error ?? error.message,
    reason: reasonOf(error),
    client: known ?? (typeof sent === 'string' ? sent : undefined),
    isClientKnown: known !== undefined,
  };
}

/** Already counted and audited where secrets are compared. */
const WRONG_SECRET = 'invalid secret provided';

function clientRefusalOf(ctx: Ctx, error: LibraryError): ClientRefusal | undefined {
  const clientId = ctx.oidc.client?.clientId;
  const isAuthentication = error.error === 'invalid_client' && error.statusCode === 401;
  if (!clientId || !isAuthentication || isRecorded(error)) return undefined;
  const as = error.cause ? 'assertion' : (error.error_detail ?? 'authentication');
  const reason = reasonOf(error) ?? error.message;
  return { clientId, endpoint: String(ctx.oidc.route), reason, as };
}

/**
 * Whether the failure was audited elsewhere: where secrets are compared, or where keys are loaded.
 */
function isRecorded({ error_detail: detail, cause }: LibraryError): boolean {
  const isAboutKeys =
    cause instanceof errors.OIDCProviderError && cause.error === 'invalid_client_metadata';
  return detail === WRONG_SECRET || isAboutKeys;
}

const LONGEST = 200;

function reasonOf({ error_detail: detail, error_description: said, cause }: LibraryError) {
  return (cause ? describeCause(cause) : (detail ?? said))?.slice(0, LONGEST);
}
