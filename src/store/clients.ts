// Relying parties: metadata in the names of OpenID Dynamic Registration, secrets as digests.
import { defineColumns, integer, json, optional, text } from './columns.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface ClientSecret {
  readonly digest: string;
  readonly createdAt: number;
  /** Milliseconds; undefined: no end. */
  readonly expiresAt?: number;
}

const COLUMNS = defineColumns({
  id: text('id'),
  metadata: json<Readonly<Record<string, unknown>>>('metadata'),
  /** Newest first. */
  secrets: json<readonly ClientSecret[]>('secrets'),
  /** Milliseconds; undefined: the client is enabled. */
  disabledAt: optional(integer('disabled_at')),
  /** Raised by each change. */
  revision: integer('revision'),
  createdAt: integer('created_at'),
});

export type StoredClient = ReturnType<typeof COLUMNS.read>;

export type NewClient = Omit<StoredClient, 'disabledAt' | 'revision'>;

export type ClientChange = Partial<Pick<StoredClient, 'metadata' | 'secrets'>> & {
  /** Null: it is not disabled any more. */
  readonly disabledAt?: number | null;
};

export interface ClientTable {
  find(id: string): Promise<StoredClient | undefined>;
  list(limit: number, after?: string): Promise<StoredClient[]>;
  insert(client: NewClient): Statement;
  /** Inserts, or replaces metadata and secrets of the same id. */
  put(client: NewClient): Statement;
  /** Must hit: nobody has changed it since it was read. */
  update(client: StoredClient, change: ClientChange, at: number): Statement;
  delete(id: string): Statement;
}

export function createClientTable(store: Store): ClientTable {
  const byId = store.prepare<{ id: string }>((p, sql) => sql('clients').where({ id: p.id }));
  const table = () => store.sql('clients');
  return {
    find: async (id) => {
      const row = await store.find(byId({ id }));
      return row && COLUMNS.read(row);
    },
    list: async (limit, after) => {
      const query = table().orderBy('id').limit(limit);
      const page = after === undefined ? query : query.where('id', '>', after);
      return (await store.all(store.compile(page))).map(COLUMNS.read);
    },
    insert: (client) => store.compile(table().insert(toRow(client)), 1),
    put: (client) => {
      const { metadata, secrets, updated_at } = toRow(client);
      const revision = store.sql.raw('clients.revision + 1');
      const replaced = { metadata, secrets, updated_at, revision };
      return store.compile(table().insert(toRow(client)).onConflict('id').merge(replaced), 1);
    },
    update: ({ id, revision }, change, at) => {
      const row = { ...toColumns(change), updated_at: at, revision: revision + 1 };
      return store.compile(table().where({ id, revision }).update(row), 1);
    },
    delete: (id) => store.compile(table().where({ id }).del(), 1),
  };
}

function toRow({ id, createdAt, ...change }: NewClient): Row {
  return { id, ...toColumns(change), revision: 1, created_at: createdAt, updated_at: createdAt };
}

function toColumns({ metadata, secrets, disabledAt }: ClientChange): Row {
  return {
    ...(metadata ? { metadata: JSON.stringify(metadata) } : {}),
    ...(secrets ? { secrets: JSON.stringify(secrets) } : {}),
    ...(disabledAt === undefined ? {} : { disabled_at: disabledAt }),
  };
}
