// How the library sees a service account: a client with one grant, while it asks for a token.
import type { Context } from 'koa';
import type { AdapterPayload } from 'oidc-provider';
import { GatehouseError } from '../lib/errors.ts';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import { perRequest } from '../lib/per-request.ts';
import type { Ctx } from './types.ts';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Our own door to the same grant. */
export const SERVICE_ACCOUNT_TOKEN = '/v1/auth/service-account/token';

/**
 * The library wants a client before it looks at a grant. An assertion that nobody has verified yet
 * speaks for nobody: this one stands for all of them, whatever they say of themselves.
 */
export const UNVERIFIED = `${SERVICE_ACCOUNT}unverified`;

/** What a request with an assertion is answered with beside its error. */
export interface CodeRefusal {
  readonly attempts_remaining: number;
  /** ISO; null: time alone does not help. */
  readonly reset_at: string | null;
}

export interface JwtBearerRequest {
  /** As it was sent: it has to be whose assertion it is. */
  readonly sentClientId: string | undefined;
  /** Once the assertion is verified. */
  accountId?: string;
  refusal?: CodeRefusal;
}

const REQUEST = perRequest<JwtBearerRequest>('jwt-bearer request');

/** From now on the request may use the grant: nothing that is sent can say so. */
export function openJwtBearer(ctx: Context, sentClientId: string | undefined): void {
  REQUEST.set(ctx, { sentClientId });
}

export function jwtBearerOf(ctx: Context | Ctx | undefined): JwtBearerRequest | undefined {
  return REQUEST.get(ctx);
}

/** Undefined for everybody else: to introspection, sign-in and other grants there is no such client. */
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

/** Throws `invalid_input`: the library would let any client have a grant that it knows. */
export function assertNotForAssertions({ grant_types: grants }: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(grants) || !grants.includes(JWT_BEARER)) return;
  const message = 'The grant jwt-bearer is for service accounts, not for clients.';
  throw new GatehouseError('invalid_input', { message });
}
