// Keys of service accounts: made here, or their public half read with distrust.
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import { isEd25519Point } from './ed25519.ts';
import { refusal } from './refusals.ts';

export const KEY_ALGS = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
export type KeyAlg = (typeof KEY_ALGS)[number];

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
const LONGEST_TEXT = 16_384;

/** The algorithms that fit a key, the one that is meant when none is named first. */
const FITTING: Readonly<Record<string, readonly KeyAlg[]>> = {
  RSA: ['RS256', 'PS256'],
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'EC P-521': ['ES512'],
  'OKP Ed25519': ['EdDSA'],
};

export async function makeKey(alg: string = 'RS256') {
  assertKnown(alg);
  const pair = await generateKeyPair(alg, { extractable: true, modulusLength: MODULUS.made });
  const jwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg, jwk, privateKey: await exportPKCS8(pair.privateKey) };
}

/** The text of a file that should hold one public JWK. Throws `invalid_input`. */
export function parseJwkText(text: string): unknown {
  if (text.length > LONGEST_TEXT) throw tooLarge();
  if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text)) throw sendThePublicHalf();
  if (text.includes('-----BEGIN ')) throw refusal('That is PEM. The public key must be a JWK.');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal('The public key must be a JWK, and that is no JSON.', cause);
  }
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
  if (kind === 'OKP Ed25519') assertPoint(key);
  const jwk = key.export({ format: 'jwk' }) as JWK;
  return { kid: await calculateJwkThumbprint(jwk), alg: fixed, jwk };
}

type Given = Readonly<Record<string, unknown>>;

function oneJwk(input: unknown): Given {
  if (Array.isArray(input)) throw refusal('That is a list. Give one JWK at a time.');
  if (typeof input !== 'object' || input === null) throw refusal('That is no JWK, but a value.');
  if ('keys' in input) throw refusal('That is a JWK Set. Give one JWK at a time.');
  if (JSON.stringify(input).length > LONGEST_TEXT) throw tooLarge();
  return input as Given;
}

const tooLarge = () =>
  refusal(`That is too large for a public key: ${LONGEST_TEXT} bytes at most.`);

function sendThePublicHalf() {
  const now = 'Treat the key as given away, and make another';
  return refusal(
    `That is a private key, which nobody else may have. ${now}; send its public half.`,
  );
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];

function assertPublic(given: Given): void {
  if (given.kty === 'oct' || 'k' in given) {
    throw refusal('That is a shared secret (oct). A service account signs with a key pair.');
  }
  if (PRIVATE.some((member) => member in given)) throw sendThePublicHalf();
}

function assertForSignatures({ use, key_ops: operations }: Given): void {
  if (use !== undefined && use !== 'sig') throw refusal('The key is not for signatures (use).');
  if (operations === undefined) return;
  if (Array.isArray(operations) && operations.includes('verify')) return;
  throw refusal('The key may not be used to verify signatures (key_ops).');
}

function kindOf({ kty, crv }: Given): string {
  const kind = kty === 'RSA' ? 'RSA' : `${kty} ${crv}`;
  if (typeof kty === 'string' && Object.hasOwn(FITTING, kind)) return kind;
  const known = Object.keys(FITTING).join(', ');
  throw refusal(`That is no kind of key that is known here. There are: ${known}.`);
}

function algOf(kind: string, given: Given, asked: string | undefined): KeyAlg {
  const fitting = FITTING[kind] ?? [];
  const named = [given.alg, asked].filter((each) => each !== undefined);
  const unfit = named.find((each) => !(fitting as readonly unknown[]).includes(each));
  if (unfit !== undefined) throw refusal(`A key ${kind} is for ${fitting.join(' or ')} (alg).`);
  if (new Set(named).size > 1) throw refusal('The key itself says that it is for another alg.');
  return (named[0] ?? fitting[0]) as KeyAlg;
}

function importKey({ kty, crv, n, e, x, y }: Given): KeyObject {
  const key = { kty, crv, n, e, x, y } as JsonWebKey;
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch (cause) {
    throw refusal('The key is damaged: its numbers are no public key.', cause);
  }
}

function assertStrong({ asymmetricKeyDetails = {} }: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails;
  const { shortest, longest } = MODULUS;
  if (modulusLength < shortest || modulusLength > longest) {
    throw refusal(`An RSA key has ${shortest} to ${longest} bits here, not ${modulusLength}.`);
  }
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent > LONGEST_EXPONENT) {
    throw refusal('The exponent of the RSA key (e) is none that is safe: use 65537.');
  }
}

function assertPoint(key: KeyObject): void {
  const { x = '' } = key.export({ format: 'jwk' });
  if (isEd25519Point(Buffer.from(x, 'base64url'))) return;
  throw refusal('The key is damaged: it is no point of the curve.');
}

function assertKnown(alg: string): asserts alg is KeyAlg {
  if ((KEY_ALGS as readonly string[]).includes(alg)) return;
  throw refusal(`No key is made for "${alg}". There are: ${KEY_ALGS.join(', ')}.`);
}
