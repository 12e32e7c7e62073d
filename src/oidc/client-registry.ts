// Registers, changes and deletes clients: each operation is one unit, written against one revision.
import type { Audit, AuditEvent } from '../domain/audit/audit.ts';
import {
  liveSecrets,
  needsSecret,
  newSecret,
  rotated,
  type Secrets,
  toStoredSecret,
} from '../domain/clients/secrets.ts';
import { now } from '../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import { clientId } from '../lib/ids.ts';
import { walkPages } from '../lib/pagination.ts';
import type { Vault } from '../lib/vault.ts';
import type { ClientChange, ClientTable, StoredClient } from '../store/clients.ts';
import type { Store } from '../store/store.ts';
import { assertValid, type CheckNeeds, invalid } from './client-checks.ts';
import { changedNames, merged, withDefaults } from './client-metadata.ts';
import { type ClientMetadata, findClient } from './clients.ts';

export interface CreatedClient {
  readonly client: StoredClient;
  /** Shown once: only its keyed hash is kept. Undefined for clients without a secret. */
  readonly secret: string | undefined;
}

export interface UpdatedClient extends CreatedClient {
  /** The names whose values changed. */
  readonly changed: readonly string[];
}

export interface RotatedSecret {
  readonly client: StoredClient;
  /** Shown once. */
  readonly secret: string;
  /** How many older secrets ended immediately. */
  readonly ended: number;
}

/**
 * All but `create` and `list` throw `unknown_client`. What changes a client throws `invalid_input`
 * for values that it can't have, and `store_conflict` if the client changed meanwhile.
 */
export interface ClientRegistry {
  create(metadata: ClientMetadata, options?: CreateOptions): Promise<CreatedClient>;
  get(id: string): Promise<StoredClient>;
  list(): AsyncGenerator<StoredClient>;
  /** @param change replaces what it names; null removes a value */
  update(id: string, change: ClientMetadata): Promise<UpdatedClient>;
  /** @param overlap milliseconds for which the newest secret before this one keeps working */
  rotateSecret(id: string, overlap: number): Promise<RotatedSecret>;
  /** Ends all secrets but the newest. @returns the client, and how many ended */
  revokeOldSecrets(id: string): Promise<Pick<RotatedSecret, 'client' | 'ended'>>;
  disable(id: string): Promise<StoredClient>;
  enable(id: string): Promise<StoredClient>;
  delete(id: string): Promise<void>;
}

export interface CreateOptions {
  readonly id?: string;
  /** A secret to register instead of a generated one. */
  readonly secret?: string;
  /** Replaces a client of the same id. */
  readonly replace?: boolean;
}

interface Deps extends CheckNeeds {
  readonly store: Store;
  readonly clientTable: ClientTable;
  readonly vault: Vault;
  readonly audit: Audit;
}

export function createClientRegistry(deps: Deps): ClientRegistry {
  return {
    create: (metadata, options = {}) => create(deps, metadata, options),
    get: (id) => getClient(deps, id),
    list: () => walkPages(deps.clientTable.list),
    update: (id, change) => update(deps, id, change),
    rotateSecret: (id, overlap) => rotateSecret(deps, id, overlap),
    revokeOldSecrets: (id) => revokeOldSecrets(deps, id),
    disable: (id) => setDisabled(deps, id, now()),
    enable: (id) => setDisabled(deps, id, null),
    delete: (id) => remove(deps, id),
  };
}

async function create(
  deps: Deps,
  metadata: ClientMetadata,
  options: CreateOptions,
): Promise<CreatedClient> {
  const { clientTable, audit, store } = deps;
  const id = options.id ?? clientId();
  const full = withDefaults(metadata);
  const secret = needsSecret(full) ? (options.secret ?? newSecret()) : undefined;
  await assertValid({ id, metadata: full }, deps);
  const at = now();
  const client = { id, metadata: full, secrets: storedSecrets(deps, secret, at), createdAt: at };
  const replaced = options.replace && (await clientTable.find(id));
  const kind = replaced ? 'admin.client_updated' : 'admin.client_created';
  const row = options.replace ? clientTable.put(client) : clientTable.insert(client);
  await store.write(row, audit.record({ kind, clientId: id }));
  return { client: await getClient(deps, id), secret };
}

function storedSecrets({ vault }: Deps, secret: string | undefined, at: number): Secrets {
  return secret === undefined ? [] : [toStoredSecret(vault, secret, at)];
}

async function getClient({ clientTable }: Deps, id: string): Promise<StoredClient> {
  const client = await findClient(clientTable, id);
  if (client) return client;
  throw new GatehouseError('unknown_client', { message: `No client found for "${id}".` });
}

async function update(deps: Deps, id: string, change: ClientMetadata): Promise<UpdatedClient> {
  const client = await getClient(deps, id);
  const metadata = merged(client.metadata, change);
  const changed = changedNames(client.metadata, metadata);
  if (changed.length === 0) return { client, changed, secret: undefined };
  await assertValid({ id, metadata, before: client.metadata }, deps);
  const { secrets, secret } = secretsAfter(deps, client, metadata);
  const event = { kind: 'admin.client_updated', detail: { changed } } as const;
  return { client: await write(deps, client, { metadata, secrets }, event), changed, secret };
}

/** A client that starts to need a secret gets one; a client that no longer needs any loses its own. */
function secretsAfter(deps: Deps, client: StoredClient, metadata: ClientMetadata) {
  const at = now();
  const live = liveSecrets(client, at);
  if (!needsSecret(metadata)) return { secrets: [], secret: undefined };
  if (live.length > 0) return { secrets: live, secret: undefined };
  const secret = newSecret();
  return { secrets: storedSecrets(deps, secret, at), secret };
}

async function rotateSecret(deps: Deps, id: string, overlap: number): Promise<RotatedSecret> {
  const client = await getClientWithSecret(deps, id);
  const at = now();
  const secret = newSecret();
  const live = liveSecrets(client, at);
  const secrets = rotated(live, toStoredSecret(deps.vault, secret, at), overlap);
  const ended = live.length + 1 - secrets.length;
  const detail = { overlap: overlap / 1000, ended };
  const event = { kind: 'admin.client_secret_rotated', detail } as const;
  return { client: await write(deps, client, { secrets }, event), secret, ended };
}

async function revokeOldSecrets(deps: Deps, id: string) {
  const client = await getClientWithSecret(deps, id);
  const live = liveSecrets(client, now());
  const ended = live.length - 1;
  if (ended < 1) throw invalid('The client has only one secret: there is no old one to revoke.');
  const event = { kind: 'admin.client_secret_revoked', detail: { ended } } as const;
  return { client: await write(deps, client, { secrets: live.slice(0, 1) }, event), ended };
}

async function getClientWithSecret(deps: Deps, id: string): Promise<StoredClient> {
  const client = await getClient(deps, id);
  if (needsSecret(client.metadata)) return client;
  const method = String(client.metadata.token_endpoint_auth_method);
  throw invalid(`The client has no secret: it authenticates by "${method}".`);
}

async function setDisabled(deps: Deps, id: string, disabledAt: number | null) {
  const client = await getClient(deps, id);
  const state = disabledAt === null ? 'enabled' : 'disabled';
  const isSo = (client.disabledAt === undefined) === (disabledAt === null);
  if (isSo) throw invalid(`The client is ${state} already.`);
  return write(deps, client, { disabledAt }, { kind: `admin.client_${state}` });
}

async function remove(deps: Deps, id: string): Promise<void> {
  await getClient(deps, id);
  const recorded = deps.audit.record({ kind: 'admin.client_deleted', clientId: id });
  await deps.store.write(deps.clientTable.delete(id), recorded);
}

/** Writes against the revision that was read, so that of two operators the second gets a conflict. */
async function write(
  deps: Deps,
  client: StoredClient,
  change: ClientChange,
  event: AuditEvent,
): Promise<StoredClient> {
  const { store, clientTable, audit } = deps;
  const recorded = audit.record({ ...event, clientId: client.id });
  await store.write(clientTable.update(client, change, now()), recorded).catch(asConflict);
  return getClient(deps, client.id);
}

function asConflict(error: unknown): never {
  if (!isGatehouseError(error, 'store_conflict')) throw error;
  const message = 'The client was changed meanwhile. Check it and try again.';
  throw new GatehouseError('store_conflict', { message, cause: error });
}
