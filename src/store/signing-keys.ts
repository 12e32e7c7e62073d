// Signing keys: the public half in the clear, the whole key sealed.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface StoredKey {
  readonly kid: string;
  readonly alg: string;
  /** 1 for the first key of an algorithm; two processes cannot make the same one twice. */
  readonly sequence: number;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly sealedJwk: string;
  readonly createdAt: number;
}

export interface SigningKeys {
  list(): Promise<StoredKey[]>;
  /** Writes nothing if there is a key of this algorithm and sequence. */
  insertOnce(key: StoredKey): Statement;
}

export function createSigningKeys(store: Store): SigningKeys {
  const all = store.compile(store.sql('signing_keys').orderBy(['alg', 'sequence']));
  return {
    list: async () => (await store.all(all)).map(parse),
    insertOnce: (key) =>
      store.compile(
        store.sql('signing_keys').insert(toRow(key)).onConflict(['alg', 'sequence']).ignore(),
      ),
  };
}

function toRow(key: StoredKey): Row {
  return {
    kid: key.kid,
    alg: key.alg,
    sequence: key.sequence,
    public_jwk: JSON.stringify(key.publicJwk),
    sealed_jwk: key.sealedJwk,
    created_at: key.createdAt,
  };
}

function parse(row: Row): StoredKey {
  return {
    kid: row.kid as string,
    alg: row.alg as string,
    sequence: row.sequence as number,
    publicJwk: JSON.parse(row.public_jwk as string),
    sealedJwk: row.sealed_jwk as string,
    createdAt: row.created_at as number,
  };
}
