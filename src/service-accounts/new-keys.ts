// A key that joins a service account: its public half, or a pair that is made for it.
import { fromIso, now } from '../lib/clock.ts';
import { makeKey, readPublicKey } from './keys.ts';
import { refusal } from './refusals.ts';
import type { ServiceAccountKey } from './table.ts';

export interface NewKey {
  /** What somebody gave as a public JWK; a pair is made where there is none. */
  readonly publicJwk?: unknown;
  readonly alg?: string | undefined;
  /** Milliseconds; undefined: never. */
  readonly expiresAt?: number | undefined;
}

export interface CreatedKey {
  readonly key: ServiceAccountKey;
  /** PKCS#8 as PEM, kept nowhere; undefined where the public half was given. */
  readonly privateKey: string | undefined;
}

/** Throws `invalid_input` for a key that cannot be. */
export async function createKey(accountId: string, request: NewKey): Promise<CreatedKey> {
  const { publicJwk, alg, expiresAt } = request;
  assertInFuture(expiresAt);
  const { privateKey, ...key } =
    publicJwk === undefined
      ? await makeKey(alg)
      : { ...(await readPublicKey(publicJwk, alg)), privateKey: undefined };
  const times = { expiresAt, revokedAt: undefined, usedAt: undefined, createdAt: now() };
  return { key: { accountId, ...key, ...times }, privateKey };
}

/** After it no time can be written, and one key would keep all from being listed. */
const LATEST = fromIso('9999-12-31T23:59:59.999Z');

function assertInFuture(at: number | undefined): void {
  if (at === undefined) return;
  if (!Number.isSafeInteger(at) || at > LATEST) throw refusal('Invalid expiry time for a key.');
  if (at <= now()) throw refusal('The key would have expired already: name a time to come.');
}
