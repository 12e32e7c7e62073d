// Signing keys: the public half in the clear, the whole key sealed until it is retired.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

/** What says what a key is used for at a time. All times in milliseconds. */
export interface KeyTimes {
  readonly kid: string;
  readonly alg: string;
  /** 1 for the first key of an algorithm; two processes cannot make the same one twice. */
  readonly sequence: number;
  readonly createdAt: number;
  readonly signsFrom: number;
  /** How long the longest token lived when it was made: so long its predecessors stay. */
  readonly overlap: number;
  readonly retiredAt: number | undefined;
}

export interface StoredKey extends KeyTimes {
  /** JSON text. */
  readonly publicJwk: string;
  /** Empty once it is retired. */
  readonly sealedJwk: string;
}

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

const TIMES = ['kid', 'alg', 'sequence', 'created_at', 'signs_from', 'overlap', 'retired_at'];

export function createSigningKeyTable(store: Store): SigningKeyTable {
  const table = () => store.sql('signing_keys');
  const all = store.compile(table().orderBy('sequence'));
  const living = store.compile(table().select(TIMES).whereNull('retired_at').orderBy('sequence'));
  const inserted = (key: StoredKey) =>
    table().insert(toRow(key)).onConflict(['alg', 'sequence']).ignore();
  return {
    list: async () => (await store.all(all)).map(parse),
    times: async () => (await store.all(living)).map(parseTimes),
    insertOnce: (key) => store.compile(inserted(key)),
    insert: (key) => store.compile(inserted(key), 1),
    retire: (kid, at) => {
      const gone = { retired_at: at, sealed_jwk: '' };
      return store.compile(table().where({ kid }).whereNull('retired_at').update(gone), 1);
    },
    delete: (kid) => store.compile(table().where({ kid }).del(), 1),
  };
}

function toRow(key: StoredKey): Row {
  return {
    kid: key.kid,
    alg: key.alg,
    sequence: key.sequence,
    public_jwk: key.publicJwk,
    sealed_jwk: key.sealedJwk,
    created_at: key.createdAt,
    signs_from: key.signsFrom,
    overlap: key.overlap,
    retired_at: key.retiredAt ?? null,
  };
}

function parse(row: Row): StoredKey {
  return {
    ...parseTimes(row),
    publicJwk: row.public_jwk as string,
    sealedJwk: row.sealed_jwk as string,
  };
}

function parseTimes(row: Row): KeyTimes {
  return {
    kid: row.kid as string,
    alg: row.alg as string,
    sequence: row.sequence as number,
    createdAt: row.created_at as number,
    signsFrom: row.signs_from as number,
    overlap: row.overlap as number,
    retiredAt: (row.retired_at as number | null) ?? undefined,
  };
}
