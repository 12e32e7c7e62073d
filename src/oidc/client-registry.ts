// Clients as operators make, change and end them: each act one unit, written against one revision.
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Audit, AuditEvent } from '../domain/audit/audit.ts';
import { mistakeInRedirectUri } from '../domain/clients/redirect-uris.ts';
import {
  liveSecrets,
  needsSecret,
  newSecret,
  rotated,
  type Secrets,
  toStoredSecret,
} from '../domain/clients/secrets.ts';
import { normalRange } from '../lib/addresses.ts';
import { describeCause } from '../lib/causes.ts';
import { now } from '../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import { clientId } from '../lib/ids.ts';
import { asError, textsOf } from '../lib/narrow.ts';
import { walkPages } from '../lib/pagination.ts';
import type { Vault } from '../lib/vault.ts';
import type { ClientChange, ClientTable, StoredClient } from '../store/clients.ts';
import type { Store } from '../store/store.ts';
import { type ClientMetadata, findClient, forLibrary } from './clients.ts';
import { assertNotForAssertions } from './service-account-client.ts';

export interface CreatedClient {
  readonly client: StoredClient;
  /** Shown once; only its keyed hash is kept. Undefined for clients without one. */
  readonly secret: string | undefined;
}

export interface UpdatedClient extends CreatedClient {
  /** Names whose values are others now. */
  readonly changed: readonly string[];
}

export interface RotatedSecret {
  readonly client: StoredClient;
  /** Shown once. */
  readonly secret: string;
  /** How many secrets have ended at once with it. */
  readonly ended: number;
}

/**
 * Everything throws `unknown_client`; what changes one throws `invalid_input` for what cannot be,
 * and `store_conflict` where somebody else has changed it at the same moment.
 */
export interface ClientRegistry {
  /** Throws `invalid_input` with the library's own words. */
  create(metadata: ClientMetadata, options?: CreateOptions): Promise<CreatedClient>;
  get(id: string): Promise<StoredClient>;
  list(): AsyncGenerator<StoredClient>;
  /** @param change replaces what it names; null takes a value away */
  update(id: string, change: ClientMetadata): Promise<UpdatedClient>;
  /** @param overlap milliseconds for which the newest secret so far goes on working */
  rotateSecret(id: string, overlap: number): Promise<RotatedSecret>;
  /** Ends all secrets but the newest at once. @returns the client and how many they were */
  revokeOldSecrets(id: string): Promise<Pick<RotatedSecret, 'client' | 'ended'>>;
  disable(id: string): Promise<StoredClient>;
  enable(id: string): Promise<StoredClient>;
  delete(id: string): Promise<void>;
}

export interface CreateOptions {
  readonly id?: string;
  /** A secret to register instead of a made one. */
  readonly secret?: string;
  /** Replace a client of the same id. */
  readonly replace?: boolean;
}

interface RegistryNeeds {
  readonly store: Store;
  readonly clientTable: ClientTable;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly provider: () => Provider;
  /** About people, as the library knows them. */
  readonly scopes: readonly string[];
}

export function createClientRegistry(needs: RegistryNeeds): ClientRegistry {
  const { store, clientTable, vault, audit } = needs;

  const get = async (id: string) => {
    const client = await findClient(clientTable, id);
    if (client) return client;
    throw new GatehouseError('unknown_client', { message: `No client found for "${id}".` });
  };

  const storedSecrets = (secret: string | undefined, at: number): Secrets =>
    secret === undefined ? [] : [toStoredSecret(vault, secret, at)];

  const create = async (metadata: ClientMetadata, options: CreateOptions = {}) => {
    const id = options.id ?? clientId();
    const full = withDefaults(metadata);
    const secret = needsSecret(full) ? (options.secret ?? newSecret()) : undefined;
    await validate(needs, { id, metadata: full });
    const at = now();
    const client = { id, metadata: full, secrets: storedSecrets(secret, at), createdAt: at };
    const replaced = options.replace && (await clientTable.find(id));
    const kind = replaced ? 'admin.client_updated' : 'admin.client_created';
    const row = options.replace ? clientTable.put(client) : clientTable.insert(client);
    await store.write(row, audit.record({ kind, clientId: id }));
    return { client: await get(id), secret };
  };

  /** Against the revision that was read: of two operators at once, one is told of the other. */
  const write = async (client: StoredClient, change: ClientChange, event: AuditEvent) => {
    const recorded = audit.record({ ...event, clientId: client.id });
    await store.write(clientTable.update(client, change, now()), recorded).catch(asConflict);
    return get(client.id);
  };

  const update = async (id: string, change: ClientMetadata) => {
    const client = await get(id);
    const metadata = merged(client.metadata, change);
    const changed = changedNames(client.metadata, metadata);
    if (changed.length === 0) return { client, changed, secret: undefined };
    await validate(needs, { id, metadata, before: client.metadata });
    const { secrets, secret } = secretsFor(client, metadata);
    const event = { kind: 'admin.client_updated', detail: { changed } } as const;
    return { client: await write(client, { metadata, secrets }, event), changed, secret };
  };

  const secretsFor = (client: StoredClient, metadata: ClientMetadata) => {
    const at = now();
    const live = liveSecrets(client, at);
    if (!needsSecret(metadata)) return { secrets: [], secret: undefined };
    if (live.length > 0) return { secrets: live, secret: undefined };
    const secret = newSecret();
    return { secrets: storedSecrets(secret, at), secret };
  };

  const rotateSecret = async (id: string, overlap: number) => {
    const client = await getWithSecret(id);
    const at = now();
    const secret = newSecret();
    const live = liveSecrets(client, at);
    const secrets = rotated(live, toStoredSecret(vault, secret, at), overlap);
    const ended = live.length + 1 - secrets.length;
    const detail = { overlap: overlap / 1000, ended };
    const event = { kind: 'admin.client_secret_rotated', detail } as const;
    return { client: await write(client, { secrets }, event), secret, ended };
  };

  const revokeOldSecrets = async (id: string) => {
    const client = await getWithSecret(id);
    const live = liveSecrets(client, now());
    const ended = live.length - 1;
    if (ended < 1) throw refusal("The client has only one secret: there's no old one to revoke.");
    const event = { kind: 'admin.client_secret_revoked', detail: { ended } } as const;
    return { client: await write(client, { secrets: live.slice(0, 1) }, event), ended };
  };

  const getWithSecret = async (id: string) => {
    const client = await get(id);
    if (needsSecret(client.metadata)) return client;
    const method = String(client.metadata.token_endpoint_auth_method);
    throw refusal(`The client has no secret: it authenticates by "${method}".`);
  };

  const setDisabled = async (id: string, disabledAt: number | null) => {
    const client = await get(id);
    const state = disabledAt === null ? 'enabled' : 'disabled';
    const isSo = (client.disabledAt === undefined) === (disabledAt === null);
    if (isSo) throw refusal(`The client is ${state} already.`);
    return write(client, { disabledAt }, { kind: `admin.client_${state}` });
  };

  return {
    create,
    get,
    update,
    rotateSecret,
    revokeOldSecrets,
    list: () => walkPages(clientTable.list),
    disable: (id) => setDisabled(id, now()),
    enable: (id) => setDisabled(id, null),
    delete: async (id) => {
      await get(id);
      const recorded = audit.record({ kind: 'admin.client_deleted', clientId: id });
      await store.write(clientTable.delete(id), recorded);
    },
  };
}

function refusal(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}

function asConflict(error: unknown): never {
  if (!isGatehouseError(error, 'store_conflict')) throw error;
  const message = 'The client was changed meanwhile. Check it and try again.';
  throw new GatehouseError('store_conflict', { message, cause: error });
}

function merged(before: ClientMetadata, change: ClientMetadata): ClientMetadata {
  const named = { ...before, ...change };
  // Belongs to the address beside it, and goes with it.
  if (named.backchannel_logout_uri === null) named.backchannel_logout_session_required = null;
  const kept = Object.entries(named).filter(([, value]) => value !== null && value !== undefined);
  return withDefaults(Object.fromEntries(kept));
}

function changedNames(before: ClientMetadata, after: ClientMetadata): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const isOther = (name: string) => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  return names.filter(isOther).sort();
}

function withDefaults(metadata: ClientMetadata): ClientMetadata {
  const { backchannel_logout_uri: logout, allowed_addresses: ranges } = metadata;
  return {
    ...(logout ? { backchannel_logout_session_required: true } : {}),
    ...metadata,
    // What is no range is left for the check that follows.
    ...(Array.isArray(ranges) ? { allowed_addresses: ranges.map(inOneSpelling) } : {}),
  };
}

const inOneSpelling = (range: unknown) => normalRange(String(range)) ?? range;

/** RFC 6749, 4.4: what anybody can send is worth nothing. */
function assertKeepsSecrets(metadata: ClientMetadata): void {
  const { token_endpoint_auth_method: method, grant_types: grants } = metadata;
  if (method !== 'none' || !textsOf(grants).includes('client_credentials')) return;
  throw refusal('grant_types: client_credentials is not for a public client.');
}

/** RFC 9700, 2.2.2. */
function assertRotates(metadata: ClientMetadata): void {
  const { token_endpoint_auth_method: method, rotate_refresh_tokens: rotates } = metadata;
  if (method !== 'none' || rotates !== false || metadata.dpop_bound_access_tokens === true) return;
  throw refusal('rotate_refresh_tokens: refresh tokens of a public client rotate.');
}

const URIS = ['redirect_uris', 'post_logout_redirect_uris'] as const;

/** Those that an earlier release took can be kept while something else is changed. */
function assertReachable(metadata: ClientMetadata, before: ClientMetadata): void {
  for (const name of URIS) {
    const known = textsOf(before[name]);
    for (const uri of textsOf(metadata[name]).filter((each) => !known.includes(each))) {
      const mistake = mistakeInRedirectUri(uri);
      if (mistake) throw refusal(`${name}: "${uri}" ${mistake}.`);
    }
  }
}

interface Validated {
  readonly id: string;
  readonly metadata: ClientMetadata;
  readonly before?: ClientMetadata;
}

async function validate(
  { provider, scopes }: Pick<RegistryNeeds, 'provider' | 'scopes'>,
  { id, metadata, before = {} }: Validated,
): Promise<void> {
  assertNotForAssertions(metadata);
  assertKeepsSecrets(metadata);
  assertRotates(metadata);
  assertReachable(metadata, before);
  const secret = needsSecret(metadata) ? { client_secret: newSecret() } : {};
  try {
    const full = forLibrary({ ...metadata, ...secret }, scopes);
    await provider().Client.validate({ ...full, client_id: id });
  } catch (error) {
    throw new GatehouseError('invalid_input', { message: describe(error), cause: error });
  }
}

/** The library's own words, and what stands behind them where a host had to be asked. */
function describe(error: unknown): string {
  const isSaid = error instanceof errors.OIDCProviderError;
  const words = (isSaid ? error.error_description : undefined) ?? asError(error).message;
  const { cause } = asError(error);
  const why = cause === undefined ? words : describeCause(cause);
  return words.includes(why) ? words : `${words}: ${why}`;
}
