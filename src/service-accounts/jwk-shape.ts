// What a JWK says of itself: one key, its public half, for signatures, of an algorithm that fits.
import { findJsonFlaw } from '../lib/plain-json.ts';
import { refusal } from './refusals.ts';

export const KEY_ALGS = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
export type KeyAlg = (typeof KEY_ALGS)[number];

const LONGEST_TEXT = 16_384;

/** The algorithms that fit a key, the one that is meant when none is named first. */
const FITTING: Readonly<Record<string, readonly KeyAlg[]>> = {
  RSA: ['RS256', 'PS256'],
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'EC P-521': ['ES512'],
  'OKP Ed25519': ['EdDSA'],
};

/** The text of a file that should hold one public JWK. Throws `invalid_input`. */
export function parseJwkText(text: string): unknown {
  if (text.length > LONGEST_TEXT) throw tooLarge();
  if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text)) throw sendThePublicHalf();
  if (text.includes('-----BEGIN ')) throw refusal('That is PEM. The public key must be a JWK.');
  const flaw = findJsonFlaw(text);
  if (flaw?.kind === 'too-deep') throw refusal("This isn't a JWK: it's nested too deeply.");
  if (flaw) throw refusal(`That is no JWK: it has the member "${flaw.name}" twice.`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal("The public key must be a JWK, but this isn't valid JSON.", cause);
  }
}

export type Given = Readonly<Record<string, unknown>>;

export function oneJwk(input: unknown): Given {
  if (Array.isArray(input)) throw refusal('That is a list. Give one JWK at a time.');
  if (typeof input !== 'object' || input === null)
    throw refusal("This isn't a JWK, but a plain value.");
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

export function assertPublic(given: Given): void {
  if (given.kty === 'oct' || 'k' in given) {
    throw refusal('That is a shared secret (oct). A service account signs with a key pair.');
  }
  if (PRIVATE.some((member) => member in given)) throw sendThePublicHalf();
}

export function assertForSignatures({ use, key_ops: operations }: Given): void {
  if (use !== undefined && use !== 'sig') throw refusal("The key isn't for signatures (use).");
  if (operations === undefined) return;
  if (Array.isArray(operations) && operations.includes('verify')) return;
  throw refusal("The key isn't allowed to verify signatures (key_ops).");
}

export function kindOf({ kty, crv }: Given): string {
  const kind = kty === 'RSA' ? 'RSA' : `${kty} ${crv}`;
  if (typeof kty === 'string' && Object.hasOwn(FITTING, kind)) return kind;
  const known = Object.keys(FITTING).join(', ');
  throw refusal(`That is no kind of key that is known here. There are: ${known}.`);
}

export function algOf(kind: string, given: Given, asked: string | undefined): KeyAlg {
  const fitting = FITTING[kind] ?? [];
  const named = [given.alg, asked].filter((each) => each !== undefined);
  const unfit = named.find((each) => !(fitting as readonly unknown[]).includes(each));
  if (unfit !== undefined) throw refusal(`A key ${kind} is for ${fitting.join(' or ')} (alg).`);
  if (new Set(named).size > 1) throw refusal('The key itself says that it is for another alg.');
  return (named[0] ?? fitting[0]) as KeyAlg;
}
