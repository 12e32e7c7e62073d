// Secrets of clients: 256 random bits, kept as keyed hashes, two at most at a time.
import { randomId } from '../../lib/ids.ts';
import { safeEqual, type Vault } from '../../lib/vault.ts';
import type { ClientSecret, StoredClient } from '../../store/clients.ts';

const BITS = 256;
const PURPOSE = 'client-secret';
const AT_MOST = 2;

export type Secrets = readonly ClientSecret[];

export const newSecret = (): string => randomId(BITS);

export function toStoredSecret(vault: Vault, secret: string, at: number): ClientSecret {
  return { digest: vault.digest(PURPOSE, secret), createdAt: at };
}

export function isSecretOf(vault: Vault, digests: readonly string[], secret: string): boolean {
  const own = vault.digest(PURPOSE, secret);
  return digests.some((digest) => safeEqual(own, digest));
}

/** Those that still count. */
export function liveSecrets({ secrets }: Pick<StoredClient, 'secrets'>, at: number): Secrets {
  return secrets.filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > at);
}

/** A new one in front; the one before it lives on for `overlap` milliseconds, or its own end. */
export function rotated(live: Secrets, added: ClientSecret, overlap: number): Secrets {
  const end = added.createdAt + overlap;
  const kept = overlap === 0 ? [] : live.slice(0, AT_MOST - 1);
  return [
    added,
    ...kept.map((old) => ({ ...old, expiresAt: Math.min(old.expiresAt ?? end, end) })),
  ];
}

/** Whether clients that authenticate so have a secret. */
export function needsSecret({
  token_endpoint_auth_method: method = 'client_secret_basic',
}: StoredClient['metadata']): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}
