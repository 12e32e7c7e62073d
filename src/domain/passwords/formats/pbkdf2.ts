// PBKDF2 (RFC 8018) with the digests in use, under two notations.
import { pbkdf2 as pbkdf2Of, timingSafeEqual } from 'node:crypto';
import { decodeBase64, type HashFormat, isBetween, isKey, readParameters } from './format.ts';

interface Parts {
  readonly digest: string;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

const DIGESTS = ['sha1', 'sha256', 'sha512'];
const MOST_ITERATIONS = 10_000_000;

function partsOf(
  digest: string,
  iterations: number,
  salt: Buffer | undefined,
  key: Buffer | undefined,
): Parts | undefined {
  const isKnown = DIGESTS.includes(digest) && isBetween(iterations, 1, MOST_ITERATIONS);
  return isKnown && salt && isKey(key) ? { digest, iterations, salt, key } : undefined;
}

/** `$pbkdf2-sha256$i=600000$salt$key`, or the iterations alone, as passlib writes them. */
function readPhc(hash: string): Parts | undefined {
  const shape = /^\$pbkdf2(?:-(\w+))?\$([^$]+)\$([^$]+)\$([^$]+)$/;
  const [, digest = 'sha1', parameters = '', salt, key] = shape.exec(hash) ?? [];
  const { i = 0 } = readParameters(/^\d+$/.test(parameters) ? `i=${parameters}` : parameters);
  return partsOf(digest, i, decodeBase64(salt), decodeBase64(key));
}

/** `pbkdf2_sha256$600000$salt$key` */
function readDjango(hash: string): Parts | undefined {
  const shape = /^pbkdf2_(\w+)\$(\d{1,10})\$([^$]+)\$([^$]+)$/;
  const [, digest = '', iterations, salt = '', key] = shape.exec(hash) ?? [];
  return partsOf(digest, Number(iterations), Buffer.from(salt), decodeBase64(key));
}

function verify(parts: Parts | undefined, password: string): Promise<boolean> {
  if (!parts) return Promise.resolve(false);
  const { digest, iterations, salt, key } = parts;
  return new Promise((resolve, reject) => {
    pbkdf2Of(password, salt, iterations, key.length, digest, (error, derived) => {
      if (error) reject(error);
      else resolve(timingSafeEqual(derived, key));
    });
  });
}

const costOf = (parts?: Parts) => `${parts?.digest},${parts?.iterations}`;

export const pbkdf2: HashFormat = {
  name: 'pbkdf2',
  is: (hash) => readPhc(hash) !== undefined,
  cost: (hash) => costOf(readPhc(hash)),
  verify: (hash, password) => verify(readPhc(hash), password),
};

export const djangoPbkdf2: HashFormat = {
  name: 'django-pbkdf2',
  is: (hash) => readDjango(hash) !== undefined,
  cost: (hash) => costOf(readDjango(hash)),
  verify: (hash, password) => verify(readDjango(hash), password),
};
