// Signing keys: the public half in the clear, the whole key sealed until it is retired.
import { defineColumns, integer, optional, text } from './columns.ts';
import type { Statement } from './statement.ts';
import type { Store } from './store.ts';

const TIMES = {
  kid: text('kid'),
  alg: text('alg'),
  /** 1 for the first key of an algorithm; two processes cannot create the same one twice. */
  sequence: integer('sequence'),
  createdAt: integer('created_at'),
  signsFrom: integer('signs_from'),
  /** Lifetime of the longest token when the key was created; its predecessors stay that long. */
  overlap: integer('overlap'),
  retiredAt: optional(integer('retired_at')),
};
const TIME_COLUMNS = defineColumns(TIMES);
const COLUMNS = defineColumns({
  ...TIMES,
  /** JSON text. */
  publicJwk: text('public_jwk'),
  /** Empty once the key is retired. */
  sealedJwk: text('sealed_jwk'),
});

/** What decides what a key is used for at a time. All times in milliseconds. */
export type KeyTimes = ReturnType<typeof TIME_COLUMNS.read>;
export type StoredKey = ReturnType<typeof COLUMNS.read>;

export interface SigningKeyTable {
  list(): Promise<StoredKey[]>;
  /** Of those that are not retired; small enough to be asked for all the time. */
  times(): Promise<KeyTimes[]>;
  /** Writes nothing if there is a key of this algorithm and sequence. */
  insertOnce(key: StoredKey): Statement;
  /** Must hit: nobody else has made a key of this algorithm and sequence. */
  insert(key: StoredKey): Statement;
  /** Must hit: nobody else has retired it. Its private half is gone. */
  retire(kid: string, at: number): Statement;
  /** Must hit. */
  delete(kid: string): Statement;
}

const TIME_NAMES = Object.values(TIMES).map(({ name }) => name);

export function createSigningKeyTable(store: Store): SigningKeyTable {
  const table = () => store.sql('signing_keys');
  const all = store.compile(table().orderBy('sequence'));
  const living = store.compile(
    table().select(TIME_NAMES).whereNull('retired_at').orderBy('sequence'),
  );
  const inserted = (key: StoredKey) =>
    table().insert(COLUMNS.write(key)).onConflict(['alg', 'sequence']).ignore();
  return {
    list: async () => (await store.all(all)).map(COLUMNS.read),
    times: async () => (await store.all(living)).map(TIME_COLUMNS.read),
    insertOnce: (key) => store.compile(inserted(key)),
    insert: (key) => store.compile(inserted(key), 1),
    retire: (kid, at) => {
      const gone = { retired_at: at, sealed_jwk: '' };
      return store.compile(table().where({ kid }).whereNull('retired_at').update(gone), 1);
    },
    delete: (kid) => store.compile(table().where({ kid }).del(), 1),
  };
}
