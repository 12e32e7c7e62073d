// Who may introspect a token (its client, and the API that it's for) and revoke it (its client).
import type { AccessToken, ClientCredentials, RefreshToken } from 'oidc-provider';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import type { ServiceAccountTable } from '../service-accounts/table.ts';
import type { ClientModel, Ctx } from './types.ts';

type Token = AccessToken | ClientCredentials | RefreshToken;

/** Tokens of deleted or disabled clients count as invalid, too. */
export function createMayIntrospect({ find }: Pick<ServiceAccountTable, 'find'>) {
  return async (ctx: Ctx, client: ClientModel, token: Token): Promise<boolean> => {
    const { clientId = '' } = token;
    if (clientId === client.clientId) return true;
    // Refresh tokens, and access tokens for userinfo, have no audience.
    if (token.kind === 'RefreshToken' || !isServedBy(client, token.aud)) return false;
    if (clientId.startsWith(SERVICE_ACCOUNT)) return (await find(clientId))?.status === 'active';
    return (await ctx.oidc.provider.Client.find(clientId)) !== undefined;
  };
}

/**
 * Grants with which a client gets tokens of people. Its registered resources are what it calls, not
 * what it serves.
 */
const FOR_PEOPLE = ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'];

/**
 * Whether the client is the API: it authenticates, signs nobody in, and is registered for the
 * resource by name.
 */
function isServedBy(client: ClientModel, aud: unknown): boolean {
  const { clientAuthMethod, grantTypes = [], resources = [] } = client;
  // A public client's id proves nothing.
  if (clientAuthMethod === 'none' || FOR_PEOPLE.some((each) => grantTypes.includes(each))) {
    return false;
  }
  return typeof aud === 'string' && resources.includes(aud);
}

/** Answers other clients as if the token didn't exist (RFC 7009, 2.2). */
export async function mayRevoke(_ctx: unknown, client: ClientModel, { clientId }: Token) {
  return clientId === client.clientId;
}
