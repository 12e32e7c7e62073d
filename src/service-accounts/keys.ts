// Keys of service accounts: made here, or their public half read with distrust.
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import {
  algOf,
  assertForSignatures,
  assertPublic,
  type Given,
  KEY_ALGS,
  type KeyAlg,
  kindOf,
  oneJwk,
} from './jwk-shape.ts';
import { refusal } from './refusals.ts';

export interface PublicKey {
  /** RFC 7638: follows from the key alone, so it names no other one. */
  readonly kid: string;
  readonly alg: KeyAlg;
  /** Nothing but what makes the key, in the one spelling that there is for it. */
  readonly jwk: JWK;
}

const MODULUS = { made: 2048, shortest: 2048, longest: 8192 };
/** OpenSSL's own bound for long keys. */
const LONGEST_EXPONENT = 2n ** 64n;

export async function makeKey(alg: string = 'RS256') {
  assertKnown(alg);
  const pair = await generateKeyPair(alg, { extractable: true, modulusLength: MODULUS.made });
  const jwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg, jwk, privateKey: await exportPKCS8(pair.privateKey) };
}

/**
 * @param alg what the key is good for, where it does not say so itself. Its own `kid` is not used:
 * a name that somebody chose may be that of another account's key.
 */
export async function readPublicKey(input: unknown, alg?: string): Promise<PublicKey> {
  const given = oneJwk(input);
  assertPublic(given);
  assertForSignatures(given);
  const kind = kindOf(given);
  const fixed = algOf(kind, given, alg);
  const key = importKey(given);
  if (kind === 'RSA') assertStrong(key);
  const jwk = key.export({ format: 'jwk' }) as JWK;
  return { kid: await calculateJwkThumbprint(jwk), alg: fixed, jwk };
}

function importKey({ kty, crv, n, e, x, y }: Given): KeyObject {
  const key = { kty, crv, n, e, x, y } as JsonWebKey;
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch (cause) {
    throw refusal('The key is damaged: its numbers are no public key.', cause);
  }
}

function assertStrong(key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const { shortest, longest } = MODULUS;
  if (modulusLength < shortest || modulusLength > longest) {
    throw refusal(`An RSA key has ${shortest} to ${longest} bits here, not ${modulusLength}.`);
  }
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent > LONGEST_EXPONENT) {
    throw refusal('The exponent of the RSA key (e) is none that is safe: use 65537.');
  }
  const { n = '' } = key.export({ format: 'jwk' });
  const last = Buffer.from(n, 'base64url').at(-1) ?? 0;
  if (last % 2 === 0) throw refusal('The key is damaged: its modulus is even.');
}

function assertKnown(alg: string): asserts alg is KeyAlg {
  if ((KEY_ALGS as readonly string[]).includes(alg)) return;
  throw refusal(`No key is made for "${alg}". There are: ${KEY_ALGS.join(', ')}.`);
}
