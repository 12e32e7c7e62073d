// The keys that sign tokens: made at the first start, sealed at rest, the same for all processes.
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { now } from '../lib/clock.ts';
import type { Vault } from '../lib/vault.ts';
import type { SigningKeys, StoredKey } from '../store/signing-keys.ts';
import type { Store } from '../store/store.ts';

export const SIGNING_ALGS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlg = (typeof SIGNING_ALGS)[number];

export interface KeysDomain {
  /** Makes the first key of each algorithm that has none; safe when two processes start at once. */
  ensure(): Promise<void>;
  /** Private JWKs, newest first within an algorithm. Throws if the master key is another one. */
  load(): Promise<JWK[]>;
  /** The public side of what stands. */
  list(): Promise<Array<Pick<StoredKey, 'kid' | 'alg' | 'createdAt'>>>;
}

export function createKeysDomain(store: Store, keys: SigningKeys, vault: Vault): KeysDomain {
  const make = async (alg: SigningAlg): Promise<void> => {
    const key = await generate(alg);
    const sealedJwk = vault.seal(JSON.stringify(key.privateJwk), sealContext(key.kid));
    const { kid, publicJwk } = key;
    const row = { kid, alg, sequence: 1, publicJwk, sealedJwk, createdAt: now() };
    await store.write(keys.insertOnce(row));
  };

  return {
    ensure: async () => {
      const have = new Set((await keys.list()).map((key) => key.alg));
      await Promise.all(SIGNING_ALGS.filter((alg) => !have.has(alg)).map(make));
    },
    load: async () => {
      const stored = await keys.list();
      return stored
        .sort((a, b) => b.sequence - a.sequence)
        .map((key) => JSON.parse(vault.open(key.sealedJwk, sealContext(key.kid))) as JWK);
    },
    list: () => keys.list(),
  };
}

const sealContext = (kid: string) => `signing-key:${kid}`;

async function generate(alg: SigningAlg) {
  const { publicKey, privateKey } = await generateKeyPair(alg, {
    extractable: true,
    modulusLength: 2048,
  });
  const publicJwk = await exportJWK(publicKey);
  const kid = (await calculateJwkThumbprint(publicJwk)).slice(0, 16);
  const common = { kid, alg, use: 'sig' };
  const privateJwk = { ...(await exportJWK(privateKey)), ...common };
  return { kid, privateJwk, publicJwk: { ...publicJwk, ...common } };
}
