// Clients as the library wants to see them, and as operators make them.

import type Provider from 'oidc-provider';
import type { AdapterPayload } from 'oidc-provider';
import type { Audit } from '../domain/audit/audit.ts';
import { OIDC_SCOPES } from '../domain/resources.ts';
import { now } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { clientId, randomId } from '../lib/ids.ts';
import { walkPages } from '../lib/pages.ts';
import type { Vault } from '../lib/vault.ts';
import type { ClientSecret, Clients, StoredClient } from '../store/clients.ts';
import type { Store } from '../store/store.ts';

export interface ClientSource {
  find(id: string): Promise<AdapterPayload | undefined>;
}

export type ClientMetadata = Readonly<Record<string, unknown>>;

export interface CreatedClient {
  readonly client: StoredClient;
  /** Shown once; only its keyed hash is kept. Undefined for public clients. */
  readonly secret: string | undefined;
}

export interface ClientRegistry {
  /** Throws `invalid_input` with the library's own words. */
  create(metadata: ClientMetadata, options?: CreateOptions): Promise<CreatedClient>;
  /** Throws `unknown_client`. */
  get(id: string): Promise<StoredClient>;
  list(): AsyncGenerator<StoredClient>;
  /** Throws `unknown_client`. */
  delete(id: string): Promise<void>;
}

export interface CreateOptions {
  readonly id?: string;
  /** A secret to register instead of a made one. */
  readonly secret?: string;
  /** Replace a client of the same id. */
  readonly replace?: boolean;
}

const SECRET_BITS = 256;
const SECRET_PURPOSE = 'client-secret';
/** What an id can be at all: anything else never reaches the database. */
const ID = /^[\x21-\x7e]{1,255}$/;

export function createClientSource(clients: Clients): ClientSource {
  return {
    find: async (id) => {
      const client = ID.test(id) ? await clients.find(id) : undefined;
      return client && toPayload(client);
    },
  };
}

function toPayload({ id, metadata, secrets }: StoredClient): AdapterPayload {
  const at = now();
  const live = secrets.filter((secret) => (secret.expiresAt ?? Number.POSITIVE_INFINITY) > at);
  const digests = live.map((secret) => secret.digest).join(' ');
  return forLibrary({
    ...metadata,
    client_id: id,
    ...(needsSecret(metadata) ? { client_secret: digests || randomId() } : {}),
  });
}

/** The library knows OpenID scopes only; those of resources are checked by configuration. */
function forLibrary(metadata: ClientMetadata): ClientMetadata {
  const { scope } = metadata;
  if (typeof scope !== 'string') return metadata;
  const known = scope.split(' ').filter((name) => OIDC_SCOPES.includes(name));
  const { scope: _all, ...rest } = metadata;
  return {
    ...rest,
    ...(known.length > 0 ? { scope: known.join(' ') } : {}),
    allowed_scopes: scope,
  };
}

function needsSecret({
  token_endpoint_auth_method: method = 'client_secret_basic',
}: ClientMetadata) {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

/** Secrets are compared by keyed hash; two may be valid while one replaces the other. */
export function installClientModel(provider: Provider, vault: Vault): void {
  Object.assign(provider.Client.prototype, {
    compareClientSecret(this: { clientSecret: string }, actual: string): boolean {
      const digests = this.clientSecret.split(' ');
      return digests.some((digest) => vault.matches(SECRET_PURPOSE, actual, digest));
    },
    // ID tokens carry `sid` always, not only for clients with back-channel logout.
    includeSid: () => true,
  });
}

interface RegistryNeeds {
  readonly store: Store;
  readonly clients: Clients;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly provider: () => Provider;
}

export function createClientRegistry(needs: RegistryNeeds): ClientRegistry {
  const { store, clients, vault, audit } = needs;

  const get = async (id: string) => {
    const client = ID.test(id) ? await clients.find(id) : undefined;
    if (client) return client;
    throw new GatehouseError('unknown_client', { message: `No client has the id "${id}".` });
  };

  const create = async (metadata: ClientMetadata, options: CreateOptions = {}) => {
    const id = options.id ?? clientId();
    const full = withDefaults(metadata);
    const secret = needsSecret(full) ? (options.secret ?? randomId(SECRET_BITS)) : undefined;
    await validate(needs.provider(), full, id);
    const secrets: ClientSecret[] = secret
      ? [{ digest: vault.digest(SECRET_PURPOSE, secret), createdAt: now() }]
      : [];
    const client = { id, metadata: full, secrets, createdAt: now() };
    const replaced = options.replace && (await clients.find(id));
    const kind = replaced ? 'admin.client_updated' : 'admin.client_created';
    const row = options.replace ? clients.put(client) : clients.insert(client);
    await store.write(row, audit.record({ kind, clientId: id }));
    return { client, secret };
  };

  return {
    create,
    get,
    list: () => walkPages(clients.list),
    delete: async (id) => {
      await get(id);
      const recorded = audit.record({ kind: 'admin.client_deleted', clientId: id });
      await store.write(clients.delete(id), recorded);
    },
  };
}

function withDefaults(metadata: ClientMetadata): ClientMetadata {
  const logout = metadata.backchannel_logout_uri;
  return { ...(logout ? { backchannel_logout_session_required: true } : {}), ...metadata };
}

async function validate(provider: Provider, metadata: ClientMetadata, id: string): Promise<void> {
  const secret = needsSecret(metadata) ? { client_secret: randomId(SECRET_BITS) } : {};
  const Model = provider.Client as unknown as { validate(metadata: object): Promise<void> };
  try {
    await Model.validate(forLibrary({ ...metadata, client_id: id, ...secret }));
  } catch (error) {
    const { error_description: description, message } = error as Record<string, string>;
    throw new GatehouseError('invalid_input', { message: description ?? message, cause: error });
  }
}
