// An authenticator app that shares no code with what it tests: RFC 4226, RFC 6238 and RFC 4648.
import { createHmac } from 'node:crypto';
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import { decodeEntities, type Page } from './web.ts';

const PERIOD = 30_000;

/** @param secret base32, with or without spaces */
export function codeFor(secret: string, at = Date.now(), algorithm = 'sha1', digits = 6): string {
  return hotp(fromBase32(secret), Math.floor(at / PERIOD), algorithm, digits);
}

export function hotp(key: Buffer, counter: number, algorithm = 'sha1', digits = 6): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac(algorithm, key).update(message).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

export function fromBase32(text: string): Buffer {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...text.replace(/[\s=]/g, '')]
    .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const bytes = bits.match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}

/** What the camera sees on the page: the address in its QR code. */
export function scan(page: Page): URL {
  const png = /src="data:image\/png;base64,([^"]+)"/.exec(page.text)?.[1];
  if (!png) throw new Error(`no QR code on ${page.url} (${page.status})`);
  const { data, width, height } = PNG.sync.read(Buffer.from(png, 'base64'));
  const decode = jsqr as unknown as typeof jsqr.default;
  const found = decode(new Uint8ClampedArray(data), width, height);
  if (!found) throw new Error('nothing to be read in the QR code');
  return new URL(found.data);
}

export function secretOn(page: Page): string {
  return scan(page).searchParams.get('secret') ?? '';
}

export function backupCodesOn(page: Page): string[] {
  return [...decodeEntities(page.text).matchAll(/\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/g)]
    .map(([code]) => code)
    .filter((code, index, all) => all.indexOf(code) === index);
}
