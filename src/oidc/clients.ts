// Clients in the form that oidc-provider reads.
import type Provider from 'oidc-provider';
import type { AdapterPayload } from 'oidc-provider';
import { isSecretOf, liveSecrets, needsSecret } from '../domain/clients/secrets.ts';
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import type { Vault } from '../lib/vault.ts';
import type { ClientTable, StoredClient } from '../store/clients.ts';
import type { Admit } from './client-admission.ts';
import type { CountWrongSecret } from './client-attempts.ts';
import type { ClientModel } from './types.ts';

export interface ClientSource {
  find(id: string): Promise<AdapterPayload | undefined>;
}

export type ClientMetadata = Readonly<Record<string, unknown>>;

/** The form of a client id: anything else never reaches the database. */
const ID = /^[\x21-\x7e]{1,255}$/;

export async function findClient(
  clientTable: ClientTable,
  id: string,
): Promise<StoredClient | undefined> {
  return ID.test(id) ? clientTable.find(id) : undefined;
}

/** @param scopes the scopes about people, which are the only ones that oidc-provider knows */
export function createClientSource(
  clientTable: ClientTable,
  admit: Admit,
  scopes: readonly string[],
): ClientSource {
  return {
    find: async (id) => {
      const client = await findClient(clientTable, id);
      return client && (await admit(client)) ? toPayload(client, scopes) : undefined;
    },
  };
}

function toPayload(client: StoredClient, scopes: readonly string[]): AdapterPayload {
  const { id, metadata, disabledAt } = client;
  const digests = liveSecrets(client, now()).map(({ digest }) => digest);
  const secret = needsSecret(metadata) ? { client_secret: digests.join(' ') || randomId() } : {};
  const disabled = disabledAt !== undefined;
  return forLibrary({ ...metadata, client_id: id, disabled, ...secret }, scopes);
}

/** Leaves only scopes about people: those of resources are checked by `resource-indicators.ts`. */
export function forLibrary(metadata: ClientMetadata, scopes: readonly string[]): ClientMetadata {
  const { scope } = metadata;
  if (typeof scope !== 'string') return metadata;
  const known = scope.split(' ').filter((name) => scopes.includes(name));
  const { scope: _all, ...rest } = metadata;
  return {
    ...rest,
    ...(known.length > 0 ? { scope: known.join(' ') } : {}),
    allowed_scopes: scope,
  };
}

/** Compares secrets by keyed hash, so that two can be valid while one replaces the other. */
export function installClientModel(
  provider: Provider,
  vault: Vault,
  countWrongSecret: CountWrongSecret,
): void {
  Object.assign(provider.Client.prototype, {
    async compareClientSecret(this: ClientModel, actual: string): Promise<boolean> {
      // These are digests; oidc-provider expects the secret itself.
      const digests = this.clientSecret?.split(' ') ?? [];
      if (isSecretOf(vault, digests, actual)) return true;
      await countWrongSecret(this.clientId);
      return false;
    },
    // Put `sid` into every ID token, not only for clients with back-channel logout.
    includeSid: () => true,
  });
}
