// Refuses disabled clients, and calls from networks that a client isn't allowed to use.
import type { Audit } from '../domain/audit/audit.ts';
import { isAllowedAddress } from '../lib/addresses.ts';
import { textsOf } from '../lib/narrow.ts';
import { perRequest } from '../lib/per-request.ts';
import { currentRequest } from '../lib/request-context.ts';
import type { StoredClient } from '../store/clients.ts';
import type { Ctx, CurrentContext } from './types.ts';

/** A refused client looks like an unknown one; only the audit has the reason. */
export type Admit = (client: StoredClient) => Promise<boolean>;

type Reason = 'client disabled' | 'address not allowed';

/** The endpoints that clients call themselves. They send browsers to all others. */
const OWN_CALLS: ReadonlySet<string> = new Set([
  'token',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization',
]);

export function isOwnCall(ctx: Ctx | undefined): boolean {
  return ctx?.oidc?.route !== undefined && OWN_CALLS.has(ctx.oidc.route);
}

/** People can always end their sessions, whatever the state of the application that asks for it. */
const SIGN_OUT: ReadonlySet<string> = new Set([
  'end_session',
  'end_session_confirm',
  'end_session_success',
]);

export interface AdmissionNeeds {
  readonly audit: Audit;
  readonly current: CurrentContext;
}

/** Admits every client outside the protocol, as on the account page. */
export function createAdmit({ audit, current }: AdmissionNeeds): Admit {
  return async (client) => {
    const ctx = current();
    const endpoint = ctx?.oidc.route;
    if (!ctx || endpoint === undefined || SIGN_OUT.has(endpoint)) return true;
    // The first client that a request looks up is the one that asks; later ones are only mentioned.
    const asks = ctx.oidc.entities.Client === undefined;
    const reason = reasonAgainst(client, asks && OWN_CALLS.has(endpoint));
    if (reason === undefined) return true;
    if (asks) await refuse(ctx, client, reason, audit);
    return false;
  };
}

/** @param isOwnCall the request came from the client itself, not from a browser */
export function reasonAgainst(
  { disabledAt, metadata }: Pick<StoredClient, 'disabledAt' | 'metadata'>,
  isOwnCall: boolean,
): Reason | undefined {
  if (disabledAt !== undefined) return 'client disabled';
  const ranges = textsOf(metadata.allowed_addresses);
  const isOutside = isOwnCall && !isAllowedAddress(ranges, currentRequest().address);
  return isOutside ? 'address not allowed' : undefined;
}

const REFUSED = perRequest<Reason>('why the client is refused');

async function refuse(ctx: Ctx, { id }: StoredClient, reason: Reason, audit: Audit) {
  const isTold = REFUSED.get(ctx) !== undefined;
  REFUSED.set(ctx, reason);
  if (isTold) return;
  const detail = { endpoint: String(ctx.oidc.route) };
  await audit.fold({ kind: 'client.refused', outcome: 'refused', reason, clientId: id, detail });
}

/** Whether this request failed because its client is disabled. */
export function isClientDisabled(ctx: Ctx): boolean {
  return REFUSED.get(ctx) === 'client disabled';
}
