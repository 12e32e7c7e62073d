// Keys of nobody: an unknown account costs what a known one costs, and no algorithm is its tell.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';

const MAKERS: Readonly<Record<string, () => JWK>> = {
  RS256: rsa,
  PS256: rsa,
  ES256: () => ec('P-256'),
  ES384: () => ec('P-384'),
  ES512: () => ec('P-521'),
  EdDSA: () => generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as JWK,
};

/** Algorithms that a service account may sign with: no other is looked at. */
export const ASSERTION_ALGS: readonly string[] = Object.keys(MAKERS);

/** The same one each time, made when it is first wanted. */
export function createDecoys(): (alg: string) => JWK {
  const made = new Map<string, JWK>();
  return (alg) => {
    const jwk = made.get(alg) ?? MAKERS[alg]?.();
    if (!jwk) throw new Error(`no decoy for ${alg}`);
    made.set(alg, jwk);
    return jwk;
  };
}

function ec(namedCurve: string): JWK {
  return generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }) as JWK;
}

/** Any odd number of that length takes as long to verify with; to find two primes takes longer. */
function rsa(): JWK {
  const modulus = randomBytes(256);
  modulus[0] = 0x80 | (modulus[0] ?? 0);
  modulus[255] = 1 | (modulus[255] ?? 0);
  return { kty: 'RSA', e: 'AQAB', n: modulus.toString('base64url') };
}
