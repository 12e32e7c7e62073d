// Whom introspection and revocation tell of a token: its client, and the API that it is for.
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import type { ServiceAccountTable } from '../service-accounts/table.ts';
import type { ClientExtras, Ctx } from './types.ts';

interface LibraryClient extends ClientExtras {
  readonly clientId: string;
  readonly clientAuthMethod: string;
  readonly grantTypes?: readonly string[];
}

interface Token {
  readonly clientId: string;
  /** Refresh tokens and access tokens for userinfo have none. */
  readonly aud?: unknown;
}

/** Tokens of whoever is gone or disabled are as good as gone, too. */
export function createMayIntrospect({ find }: Pick<ServiceAccountTable, 'find'>) {
  return async (ctx: Ctx, client: LibraryClient, { clientId, aud }: Token): Promise<boolean> => {
    if (clientId === client.clientId) return true;
    if (!isServedBy(client, aud)) return false;
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
function isServedBy(client: LibraryClient, aud: unknown): boolean {
  const { clientAuthMethod, grantTypes = [], resources = [] } = client;
  // A public client proves nothing by its id.
  if (clientAuthMethod === 'none' || FOR_PEOPLE.some((each) => grantTypes.includes(each))) {
    return false;
  }
  return typeof aud === 'string' && resources.includes(aud);
}

/** A stranger is answered as for a token that does not exist (RFC 7009, 2.2). */
export async function mayRevoke(_ctx: unknown, client: LibraryClient, { clientId }: Token) {
  return clientId === client.clientId;
}
