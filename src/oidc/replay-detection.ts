// One-time values of clients, such as the `jti` of a DPoP proof: each is accepted once.
import { hash } from 'node:crypto';
import type Provider from 'oidc-provider';
import { now } from '../lib/clock.ts';
import type { Vault } from '../lib/vault.ts';
import type { ArtifactTable } from '../store/artifacts.ts';
import type { Store } from '../store/store.ts';
import { artifactKey } from './artifacts.ts';

interface Needs {
  readonly store: Store;
  readonly tables: { readonly artifactTable: Pick<ArtifactTable, 'insertOnce'> };
  readonly vault: Vault;
}

/** Seconds that the clock behind a DPoP proof may be ahead of ours. */
const CLOCK_AHEAD = 300;

/**
 * Replaces a check that reads first and writes later, which two simultaneous requests would both
 * pass. It also remembers each value for longer: oidc-provider counts from now, but a proof that was
 * made by a clock ahead of ours expires later.
 */
export function installReplayDetection(provider: Provider, { store, tables, vault }: Needs): void {
  const model = 'ReplayDetection';
  const unique = async (iss: string, jti: string, exp: number): Promise<boolean> => {
    const id = hash('sha256', `${iss}\0${jti}`, 'base64url');
    const key = artifactKey(vault, model, id);
    // A time may have a fraction (RFC 7519, 2).
    const expiresAt = Math.ceil((exp + CLOCK_AHEAD) * 1000);
    const row = tables.artifactTable.insertOnce({ model, key, payload: {}, expiresAt }, now());
    return await store.tryCommit([row]);
  };
  Object.assign(provider.ReplayDetection, { unique });
}
