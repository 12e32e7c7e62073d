// One signing key: made, sealed, and opened again.
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { SigningAlg } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import type { Vault } from '../../lib/vault.ts';
import type { StoredKey } from '../../store/signing-keys.ts';

export async function makeKey(
  alg: SigningAlg,
  times: Pick<StoredKey, 'sequence' | 'signsFrom' | 'overlap'>,
  vault: Vault,
): Promise<StoredKey> {
  const { kid, publicJwk, privateJwk } = await generate(alg);
  return {
    ...times,
    kid,
    alg,
    publicJwk: JSON.stringify(publicJwk),
    sealedJwk: vault.seal(JSON.stringify(privateJwk), sealContext(kid)),
    createdAt: now(),
    retiredAt: undefined,
  };
}

/** Throws `sealed_with_other_key`, or `sealed_value_damaged` with the name of the key. */
export function openKey({ kid, alg, sealedJwk }: StoredKey, vault: Vault): JWK {
  return readable({ kid, alg }, () => vault.open(sealedJwk, sealContext(kid)));
}

export function publicKey({ kid, alg, publicJwk }: StoredKey): JWK {
  return readable({ kid, alg }, () => publicJwk);
}

function readable({ kid, alg }: Pick<StoredKey, 'kid' | 'alg'>, read: () => string): JWK {
  try {
    return JSON.parse(read()) as JWK;
  } catch (cause) {
    if (isGatehouseError(cause, 'sealed_with_other_key')) throw cause;
    const message = `The stored ${alg} signing key "${kid}" is damaged.`;
    throw new GatehouseError('sealed_value_damaged', { message, cause });
  }
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
