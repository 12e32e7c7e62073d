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
