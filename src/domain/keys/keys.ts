// The keys that sign tokens: made at the first start, published, used and retired at their times.
import type { JWK } from 'jose';
import { type Config, SIGNING_ALGS, type SigningAlg } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import type { Vault } from '../../lib/vault.ts';
import type { KeyTimes, StoredKey } from '../../store/signing-keys.ts';
import { createRotate, type KeyNeeds, type Rotate } from './rotation.ts';
import { makeKey, openKey, publicKey } from './signing-key.ts';
import { bySigning, isDue, type TimedKey, timedKeys } from './times.ts';

/** What the provider is built from. */
export interface KeyRing {
  /** Differs from that of every other ring. */
  readonly plan: string;
  /** Private JWKs, each of them published; in each algorithm the one that signs comes first. */
  readonly published: readonly JWK[];
  /** Public JWKs of those whose tokens have run out: people still sign out with one of them. */
  readonly retired: readonly JWK[];
}

export interface Keys {
  /** Makes the first key of each algorithm that has none; safe when two processes start at once. */
  ensure(): Promise<void>;
  readonly rotate: Rotate;
  /** Throws if a key is damaged, or the master key is another one. */
  load(): Promise<KeyRing>;
  /** The retired ones, too. */
  list(): Promise<readonly TimedKey[]>;
  /** Retires what is due. @returns the plan of the ring that `load` would give now */
  settle(): Promise<string>;
}

export function createKeys(needs: KeyNeeds): Keys {
  const { store, signingKeyTable, vault, audit } = needs;
  const longest = longestToken(needs.config);
  const timed = (all: readonly KeyTimes[], at = now()) =>
    timedKeys(all, longest, at).toSorted(byAlgorithm);

  const retire = async ({ kid, alg }: TimedKey): Promise<void> => {
    const recorded = audit.record({ kind: 'admin.key_retired', detail: { kid, alg } });
    // Missed: another process has retired and recorded it.
    await store.commit([signingKeyTable.retire(kid, now()), recorded]);
  };

  return {
    ensure: async () => {
      const have = new Set((await signingKeyTable.list()).map((key) => key.alg));
      const missing = SIGNING_ALGS.filter((alg) => !have.has(alg));
      const times = { sequence: 1, signsFrom: now(), overlap: longest };
      const made = await Promise.all(missing.map((alg) => makeKey(alg, times, vault)));
      await Promise.all(made.map((key) => store.write(signingKeyTable.insertOnce(key))));
    },
    rotate: createRotate(needs, { longest, timed }),
    load: async () => {
      const stored = await signingKeyTable.list();
      return toRing(timed(stored), stored, vault);
    },
    list: async () => timed(await signingKeyTable.list()),
    settle: async () => {
      const at = now();
      const all = timed(await signingKeyTable.times(), at);
      const due = all.filter((key) => isDue(key, at));
      for (const key of due) await retire(key);
      return planOf(due.length === 0 ? all : timed(await signingKeyTable.times()));
    },
  };
}

/** Logout tokens live two minutes, whatever is configured: the library says so. */
const LOGOUT_TOKEN = 120;

function longestToken({ ttl }: Pick<Config, 'ttl'>): number {
  return Math.max(ttl.id_token, ttl.access_token, LOGOUT_TOKEN) * 1000;
}

function byAlgorithm(a: TimedKey, b: TimedKey): number {
  const place = ({ alg }: TimedKey) => SIGNING_ALGS.indexOf(alg as SigningAlg);
  return place(a) - place(b) || bySigning(a, b);
}

const isPublished = ({ state }: TimedKey) => state !== 'retired';

function planOf(keys: readonly TimedKey[]): string {
  const published = keys.filter(isPublished);
  return published.map(({ kid }) => kid).join(' ');
}

function toRing(keys: readonly TimedKey[], stored: readonly StoredKey[], vault: Vault): KeyRing {
  const rows = new Map(stored.map((key) => [key.kid, key]));
  const rowsOf = (some: readonly TimedKey[]) => some.map(({ kid }) => rows.get(kid) as StoredKey);
  return {
    plan: planOf(keys),
    published: rowsOf(keys.filter(isPublished)).map((key) => openKey(key, vault)),
    retired: rowsOf(keys.filter((key) => !isPublished(key))).map(publicKey),
  };
}
