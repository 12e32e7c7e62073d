// PBKDF2 (RFC 8018) with the digests in use, under the notations in use.
import { pbkdf2 as pbkdf2Of } from 'node:crypto';
import {
  type Cost,
  createFormat,
  decodeBase64,
  decodeHex,
  type HashFormat,
  isBetween,
  isKey,
  isSame,
  readParameters,
} from './format.ts';

export interface Pbkdf2Parts {
  readonly digest: string;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

interface Digest {
  /** Bytes. */
  readonly size: number;
  /** Of one iteration for as many bytes of a key. */
  readonly nanoseconds: number;
}

const DIGESTS: Readonly<Record<string, Digest>> = {
  sha1: { size: 20, nanoseconds: 400 },
  sha256: { size: 32, nanoseconds: 400 },
  sha512: { size: 64, nanoseconds: 800 },
};
const MOST_ITERATIONS = 2 ** 31 - 1;

export function pbkdf2PartsOf(
  digest: string,
  iterations: number,
  salt: Buffer | undefined,
  key: Buffer | undefined,
): Pbkdf2Parts | undefined {
  const isKnown = Object.hasOwn(DIGESTS, digest) && isBetween(iterations, 1, MOST_ITERATIONS);
  return isKnown && salt && isKey(key) ? { digest, iterations, salt, key } : undefined;
}

export function pbkdf2Cost({ digest, iterations, key }: Pbkdf2Parts): Cost {
  const { size, nanoseconds } = DIGESTS[digest] as Digest;
  const blocks = Math.ceil(key.length / size);
  return {
    words: `${digest},${iterations}`,
    milliseconds: (iterations * blocks * nanoseconds) / 1e6,
    memory: 0,
  };
}

export function verifyPbkdf2(parts: Pbkdf2Parts, password: Buffer): Promise<boolean> {
  const { digest, iterations, salt, key } = parts;
  return new Promise((resolve, reject) => {
    pbkdf2Of(password, salt, iterations, key.length, digest, (error, derived) => {
      if (error) reject(error);
      else resolve(isSame(derived, key));
    });
  });
}

/** `$pbkdf2-sha256$i=600000$salt$key`, or the iterations alone, as passlib writes them. */
function readPhc(hash: string): Pbkdf2Parts | undefined {
  const shape = /^\$pbkdf2(?:-(\w+))?\$([^$]+)\$([^$]+)\$([^$]+)$/;
  const [, digest = 'sha1', parameters = '', salt, key] = shape.exec(hash) ?? [];
  const all = /^\d+$/.test(parameters) ? `i=${parameters}` : parameters;
  const { i = 0, l } = readParameters(all, ['i', 'l']);
  const parts = pbkdf2PartsOf(digest, i, decodeBase64(salt), decodeBase64(key));
  return l === undefined || l === parts?.key.length ? parts : undefined;
}

/** `pbkdf2_sha256$600000$salt$key` */
function readDjango(hash: string): Pbkdf2Parts | undefined {
  const shape = /^pbkdf2_(\w+)\$(\d{1,10})\$([^$]+)\$([^$]+)$/;
  const [, digest = '', iterations, salt = '', key] = shape.exec(hash) ?? [];
  return pbkdf2PartsOf(digest, Number(iterations), Buffer.from(salt), decodeBase64(key));
}

/** `pbkdf2:sha256:600000$salt$key` */
function readWerkzeug(hash: string): Pbkdf2Parts | undefined {
  const shape = /^pbkdf2:(\w+):(\d{1,10})\$([^$]+)\$([^$]+)$/;
  const [, digest = '', iterations, salt = '', key] = shape.exec(hash) ?? [];
  return pbkdf2PartsOf(digest, Number(iterations), Buffer.from(salt), decodeHex(key));
}

/** `{PBKDF2-SHA256}10000$salt$key` of OpenLDAP and passlib. */
function readLdap(hash: string): Pbkdf2Parts | undefined {
  const shape = /^\{PBKDF2(?:-(SHA\d+))?\}(\d{1,10})\$([^$]+)\$([^$]+)$/i;
  const [, digest = 'sha1', iterations, salt, key] = shape.exec(hash) ?? [];
  const bytes = [salt, key].map(decodeBase64);
  return pbkdf2PartsOf(digest.toLowerCase(), Number(iterations), bytes[0], bytes[1]);
}

const DS_SALT = 64;
const DS_KEY = 256;

/** `{PBKDF2_SHA256}…` of 389 Directory Server: iterations, salt and key in one piece. */
function read389(hash: string): Pbkdf2Parts | undefined {
  const [, text] = /^\{PBKDF2_SHA256\}(.+)$/i.exec(hash) ?? [];
  const bytes = decodeBase64(text);
  if (bytes?.length !== 4 + DS_SALT + DS_KEY) return undefined;
  const salt = bytes.subarray(4, 4 + DS_SALT);
  return pbkdf2PartsOf('sha256', bytes.readUInt32BE(0), salt, bytes.subarray(4 + DS_SALT));
}

const ASP_DIGESTS = ['sha1', 'sha256', 'sha512'];
const ASP2_SIZE = 49;
const ASP3_HEADER = 13;
const ASP_SALT = 16;

/** Version 2: a zero, 16 bytes of salt, 32 of key. Version 3 says its digest, iterations, salt. */
function readAsp(hash: string): Pbkdf2Parts | undefined {
  const bytes = decodeBase64(hash);
  if (bytes?.[0] === 0 && bytes.length === ASP2_SIZE) {
    const [salt, key] = [bytes.subarray(1, 1 + ASP_SALT), bytes.subarray(1 + ASP_SALT)];
    return pbkdf2PartsOf('sha1', 1000, salt, key);
  }
  if (bytes?.[0] !== 1 || bytes.length <= ASP3_HEADER) return undefined;
  const end = ASP3_HEADER + bytes.readUInt32BE(9);
  const digest = ASP_DIGESTS[bytes.readUInt32BE(1)] ?? '';
  const salt = bytes.subarray(ASP3_HEADER, end);
  if (salt.length < ASP_SALT) return undefined;
  return pbkdf2PartsOf(digest, bytes.readUInt32BE(5), salt, bytes.subarray(end));
}

const same = { cost: pbkdf2Cost, verify: verifyPbkdf2 };

export const PBKDF2_FORMATS: readonly HashFormat[] = [
  createFormat({ name: 'PBKDF2', begins: /^\$pbkdf2(?:-sha\d+)?\$/, read: readPhc, ...same }),
  createFormat({ name: 'Django PBKDF2', begins: /^pbkdf2_sha\d+\$/, read: readDjango, ...same }),
  createFormat({ name: 'Werkzeug PBKDF2', begins: /^pbkdf2:sha/, read: readWerkzeug, ...same }),
  createFormat({ name: 'LDAP PBKDF2', begins: /^\{PBKDF2[-}]/i, read: readLdap, ...same }),
  createFormat({ name: '389-DS PBKDF2', begins: /^\{PBKDF2_/i, read: read389, ...same }),
  createFormat({
    name: 'ASP.NET Identity',
    begins: /^A[AQ][A-Za-z0-9+/]{30,}={0,2}$/,
    read: readAsp,
    ...same,
  }),
];
