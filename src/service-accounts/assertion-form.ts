// Reads an assertion (RFC 7523) before anything in it is believed: one spelling, nothing on top.
import { findJsonFlaw } from '../lib/plain-json.ts';
import { ASSERTION_ALGS } from './decoys.ts';

export interface Refused {
  readonly kind: 'refused';
  /** For the audit: the caller reads the same words for all of them. */
  readonly reason: string;
}

export const refused = (reason: string): Refused => ({ kind: 'refused', reason });

export type Members = Readonly<Record<string, unknown>>;

export interface Assertion {
  readonly kind: 'read';
  readonly text: string;
  readonly alg: string;
  readonly kid: string;
  readonly claims: Members;
}

/** What a kid can be at all: anything else never reaches the database. */
const KID = /^[\x21-\x7e]{1,255}$/;
const MEMBERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);
/** Each lets a signer choose his own key, or changes what the signature is over. */
const TRICKS: ReadonlySet<string> = new Set([
  ...['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'x5t#S256'],
  ...['crit', 'b64', 'zip', 'enc', 'epk', 'apu', 'apv'],
]);

export function readAssertion(text: string): Assertion | Refused {
  const parts = text.split('.');
  if (parts.length === 5) return refused('it is encrypted');
  const [first = '', second = '', signature = '', ...more] = parts;
  if (parts.length < 3 || more.length > 0) return refused('it has not three parts');
  if (!parts.every(isCanonical)) return refused('it is not in the one spelling of base64url');
  const header = readObject(first, 'header');
  if (header.kind === 'refused') return header;
  const { alg, kid } = header.members;
  const flaw = findHeaderFlaw(header.members) ?? (signature === '' ? 'no signature' : undefined);
  if (flaw !== undefined) return refused(flaw);
  const payload = readObject(second, 'payload');
  if (payload.kind === 'refused') return payload;
  return { kind: 'read', text, alg: String(alg), kid: String(kid), claims: payload.members };
}

/** Decoders forgive spare bits, padding and line ends: the same assertion would have many texts. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function findHeaderFlaw(header: Members): string | undefined {
  const { alg, kid, typ } = header;
  const foreign = Object.keys(header).find((name) => !MEMBERS.has(name));
  if (foreign !== undefined && TRICKS.has(foreign)) return `the header has "${foreign}"`;
  if (foreign !== undefined) return 'the header has a member that is not known';
  if (typeof alg !== 'string') return 'no algorithm';
  if (!ASSERTION_ALGS.includes(alg)) return 'the algorithm is not allowed';
  if (typeof kid !== 'string' || !KID.test(kid)) return 'no kid';
  return typ === undefined || isJwt(typ) ? undefined : 'typ names something else';
}

/** RFC 7519, 5.1, and RFC 7515, 4.1.9: in any case, with or without its prefix. */
function isJwt(typ: unknown): boolean {
  return typeof typ === 'string' && /^(application\/)?jwt$/i.test(typ);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type ReadObject = { readonly kind: 'object'; readonly members: Members } | Refused;

function readObject(part: string, what: 'header' | 'payload'): ReadObject {
  try {
    const source = utf8.decode(Buffer.from(part, 'base64url'));
    const flaw = findJsonFlaw(source);
    if (flaw?.kind === 'sent-twice') return refused(`the ${what} has a member twice`);
    if (flaw) return refused(`the ${what} is nested too deeply`);
    const members: unknown = JSON.parse(source);
    const isObject = typeof members === 'object' && members !== null && !Array.isArray(members);
    if (isObject) return { kind: 'object', members: members as Members };
  } catch {
    // As below: whatever it is, it is none.
  }
  return refused(`the ${what} is no JSON object`);
}
