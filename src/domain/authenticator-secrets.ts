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

/** As the Google Authenticator Key URI format has it, every parameter spelt out. */
export function otpauthUri(product: string, label: string, secret: string): string {
  const uri = generateURI({ issuer: product, label, secret });
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
