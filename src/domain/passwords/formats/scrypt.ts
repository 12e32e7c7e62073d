// scrypt: RFC 7914 under two notations.
import { type ScryptOptions, scrypt as scryptOf, timingSafeEqual } from 'node:crypto';
import { decodeBase64, type HashFormat, isBetween, isKey, readParameters } from './format.ts';

interface Parts {
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

const MOST_N = 2 ** 20;
const MOST_MEMORY = 256 * 1024 * 1024;
const MOST_LANES = 16;

function isBearable({ n, r, p }: Parts): boolean {
  const isPower = Number.isInteger(Math.log2(n));
  const fits = isBetween(128 * n * r, 1, MOST_MEMORY);
  return isPower && isBetween(n, 2, MOST_N) && fits && r >= 1 && isBetween(p, 1, MOST_LANES);
}

function partsOf(numbers: number[], salt: Buffer | undefined, key: Buffer | undefined) {
  const [n = 0, r = 0, p = 0] = numbers;
  if (!salt || !isKey(key)) return undefined;
  const parts: Parts = { n, r, p, salt, key };
  return isBearable(parts) ? parts : undefined;
}

/** `$scrypt$ln=15,r=8,p=1$salt$key` */
function readPhc(hash: string): Parts | undefined {
  const [, parameters, salt, key] = /^\$scrypt\$([^$]+)\$([^$]+)\$([^$]+)$/.exec(hash) ?? [];
  const { ln = 0, r = 0, p = 0 } = readParameters(parameters);
  return partsOf([2 ** ln, r, p], decodeBase64(salt), decodeBase64(key));
}

/** `scrypt$16384$salt$8$1$key` */
function readDjango(hash: string): Parts | undefined {
  const shape = /^scrypt\$(\d{1,8})\$([^$]+)\$(\d{1,4})\$(\d{1,4})\$([^$]+)$/;
  const [, n, salt = '', r, p, key] = shape.exec(hash) ?? [];
  return partsOf([n, r, p].map(Number), Buffer.from(salt), decodeBase64(key));
}

function verify(parts: Parts | undefined, password: string): Promise<boolean> {
  if (!parts) return Promise.resolve(false);
  const { n, r, p, salt, key } = parts;
  const options: ScryptOptions = { N: n, r, p, maxmem: 2 * MOST_MEMORY };
  return new Promise((resolve, reject) => {
    scryptOf(password, salt, key.length, options, (error, derived) => {
      if (error) reject(error);
      else resolve(timingSafeEqual(derived, key));
    });
  });
}

const costOf = (parts?: Parts) => `N=${parts?.n},r=${parts?.r},p=${parts?.p}`;

export const scrypt: HashFormat = {
  name: 'scrypt',
  is: (hash) => readPhc(hash) !== undefined,
  cost: (hash) => costOf(readPhc(hash)),
  verify: (hash, password) => verify(readPhc(hash), password),
};

export const djangoScrypt: HashFormat = {
  name: 'django-scrypt',
  is: (hash) => readDjango(hash) !== undefined,
  cost: (hash) => costOf(readDjango(hash)),
  verify: (hash, password) => verify(readDjango(hash), password),
};
