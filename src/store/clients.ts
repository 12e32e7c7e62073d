// Relying parties: metadata in the names of OpenID Dynamic Registration, secrets as digests.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface ClientSecret {
  readonly digest: string;
  readonly createdAt: number;
  /** Milliseconds; undefined: no end. */
  readonly expiresAt?: number;
}

export interface StoredClient {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly secrets: readonly ClientSecret[];
  readonly createdAt: number;
}

export interface Clients {
  find(id: string): Promise<StoredClient | undefined>;
  list(limit: number, after?: string): Promise<StoredClient[]>;
  insert(client: StoredClient): Statement;
  /** Inserts, or replaces metadata and secrets of the same id. */
  put(client: StoredClient): Statement;
  delete(id: string): Statement;
}

export function createClients(store: Store): Clients {
  const byId = store.prepare<{ id: string }>((p, sql) => sql('clients').where({ id: p.id }));
  const table = () => store.sql('clients');
  return {
    find: async (id) => {
      const row = await store.find(byId({ id }));
      return row && parse(row);
    },
    list: async (limit, after) => {
      const query = table().orderBy('id').limit(limit);
      const page = after === undefined ? query : query.where('id', '>', after);
      return (await store.all(store.compile(page))).map(parse);
    },
    insert: (client) => store.compile(table().insert(toRow(client)), 1),
    put: (client) =>
      store.compile(
        table().insert(toRow(client)).onConflict('id').merge(['metadata', 'secrets', 'updated_at']),
        1,
      ),
    delete: (id) => store.compile(table().where({ id }).del(), 1),
  };
}

function toRow(client: StoredClient): Row {
  return {
    id: client.id,
    metadata: JSON.stringify(client.metadata),
    secrets: JSON.stringify(client.secrets),
    created_at: client.createdAt,
    updated_at: client.createdAt,
  };
}

function parse(row: Row): StoredClient {
  return {
    id: row.id as string,
    metadata: JSON.parse(row.metadata as string),
    secrets: JSON.parse(row.secrets as string),
    createdAt: row.created_at as number,
  };
}
