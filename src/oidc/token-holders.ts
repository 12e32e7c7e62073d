// Whom introspection and revocation tell of a token: its client, and the API that it is for.
import type { AccessToken, ClientCredentials, RefreshToken } from 'oidc-provider';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import type { ServiceAccountTable } from '../service-accounts/table.ts';
import type { ClientModel, Ctx } from './types.ts';

type Token = AccessToken | ClientCredentials | RefreshToken;

/** Tokens of whoever is gone or disabled are as good as gone, too. */
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

/** With these, a client gets tokens of people: what is registered for it is what it calls. */
const FOR_PEOPLE = ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'];

/**
 * An API is a client of its own: it proves who it is, signs nobody in, and is registered for its
 * resource by name.
 */
function isServedBy(client: ClientModel, aud: unknown): boolean {
  const { clientAuthMethod, grantTypes = [], resources = [] } = client;
  // A public client proves nothing by its id.
  if (clientAuthMethod === 'none' || FOR_PEOPLE.some((each) => grantTypes.includes(each))) {
    return false;
  }
  return typeof aud === 'string' && resources.includes(aud);
}

/** A stranger is answered as for a token that does not exist (RFC 7009, 2.2). */
export async function mayRevoke(_ctx: unknown, client: ClientModel, { clientId }: Token) {
  return clientId === client.clientId;
}
