// How oidc-provider sees a service account: as a client with one grant, while it asks for a token.
import type { Context } from 'koa';
import type { AdapterPayload } from 'oidc-provider';
import { GatehouseError } from '../lib/errors.ts';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import { perRequest } from '../lib/per-request.ts';
import type { Ctx } from './types.ts';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Our own endpoint for the same grant. */
export const SERVICE_ACCOUNT_TOKEN = '/v1/auth/service-account/token';

/**
 * Stands for every service account whose assertion isn't verified yet, because oidc-provider needs
 * a client before it runs a grant.
 */
export const UNVERIFIED = `${SERVICE_ACCOUNT}unverified`;

/** What a refusal contains besides its error. */
export interface CodeRefusal {
  readonly attempts_remaining: number;
  /** ISO time; null if waiting doesn't help. */
  readonly reset_at: string | null;
}

export interface JwtBearerRequest {
  /** As it was sent: it must match the assertion. */
  readonly sentClientId: string | undefined;
  /** Set once the assertion is verified. */
  accountId?: string;
  refusal?: CodeRefusal;
}

const REQUEST = perRequest<JwtBearerRequest>('jwt-bearer request');

/** Lets the request use the grant. Nothing that is sent can do so. */
export function openJwtBearer(ctx: Context, sentClientId: string | undefined): void {
  REQUEST.set(ctx, { sentClientId });
}

export function jwtBearerOf(ctx: Context | Ctx | undefined): JwtBearerRequest | undefined {
  return REQUEST.get(ctx);
}

/** Undefined for other requests: introspection, sign-in and other grants know no such client. */
export function serviceAccountClient(ctx: Ctx | undefined, id: string): AdapterPayload | undefined {
  const request = jwtBearerOf(ctx);
  if (!request || (id !== UNVERIFIED && id !== request.accountId)) return undefined;
  return {
    client_id: id,
    token_endpoint_auth_method: 'none',
    grant_types: [JWT_BEARER],
    response_types: [],
    redirect_uris: [],
  };
}

/**
 * Throws `invalid_input`, because oidc-provider would accept any grant that it knows for a client.
 */
export function assertNotForAssertions({ grant_types: grants }: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(grants) || !grants.includes(JWT_BEARER)) return;
  const message = 'The grant jwt-bearer is for service accounts, not for clients.';
  throw new GatehouseError('invalid_input', { message });
}
