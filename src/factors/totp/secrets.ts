// Secrets of authenticator apps, as text and as the address in a QR code.
import { randomBytes } from 'node:crypto';
import { generateURI, ScureBase32Plugin } from 'otplib';

/** 160 bits (RFC 4226, 4). */
export const SECRET_BYTES = 20;
const base32 = new ScureBase32Plugin();

export function encodeSecret(bytes: Uint8Array): string {
  return base32.encode(bytes, { padding: false });
}

export function newSecret(): string {
  return encodeSecret(randomBytes(SECRET_BYTES));
}

const BITS_PER_LETTER = 5;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Base32 as authenticator apps take it: lower case, spaces, dashes, any padding, any length, and
 * spare bits in the last letter, which mean nothing. Undefined for what holds anything else.
 */
export function readSecret(text: string): string | undefined {
  const letters = text.replace(/[\s=-]/g, '').toUpperCase();
  if (!/^[A-Z2-7]*$/.test(letters)) return undefined;
  const bits = [...letters].map((letter) =>
    ALPHABET.indexOf(letter).toString(2).padStart(BITS_PER_LETTER, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return encodeSecret(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2)));
}

/** Digits of 80 bits: fewer are base32 that happens to have none of its other letters. */
const SHORTEST_HEX = 20;

/**
 * The same of an export: hexadecimal digits, too. By chance one base32 secret of as many letters in
 * three hundred million is taken for them.
 */
export function readExportedSecret(text: string): string | undefined {
  const digits = text.replace(/\s/g, '');
  const isHex = /^(?:[0-9a-f]{2})+$/i.test(digits) && digits.length >= SHORTEST_HEX;
  return isHex ? encodeSecret(Buffer.from(digits, 'hex')) : readSecret(text);
}

/** What an address of a QR code says. */
export interface OtpauthParts {
  /** Undefined where it has none that could be read. */
  readonly secret: string | undefined;
  /** It makes codes as ours do: by time, SHA-1, six digits, 30 seconds. */
  readonly isOurs: boolean;
}

/** Undefined for what is no such address. */
export function readOtpauth(text: string): OtpauthParts | undefined {
  if (!/^otpauth:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const { host, searchParams } = new URL(text);
  const has = (name: string, usual: string) =>
    (searchParams.get(name) || usual).toUpperCase().replace(/^SHA-?1$/, 'SHA1') === usual;
  const isOurs = has('algorithm', 'SHA1') && has('digits', '6') && has('period', '30');
  const secret = readSecret(searchParams.get('secret') ?? '');
  return { secret: secret || undefined, isOurs: isOurs && host.toLowerCase() === 'totp' };
}

/** A colon parts issuer and account, so that neither may hold one: strict apps refuse the rest. */
const withoutColons = (text: string) => text.replace(/\s*:+\s*/g, ' ').trim();

/** As the Google Authenticator Key URI format has it, every parameter spelt out. */
export function otpauthUri(product: string, account: string, secret: string): string {
  const [issuer, label] = [withoutColons(product), withoutColons(account)];
  const uri = generateURI({ issuer, label, secret });
  const url = new URL(uri);
  for (const [name, value] of [
    ['algorithm', 'SHA1'],
    ['digits', '6'],
    ['period', '30'],
  ] as const) {
    url.searchParams.set(name, value);
  }
  return url.href.replaceAll('+', '%20');
}
