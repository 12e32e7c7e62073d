// Plain and salted digests: as directories write them, as Django did, and as JSON.
import { aside } from '../aside.ts';
import { argon2 } from './argon2.ts';
import { bcrypt } from './bcrypt.ts';
import { CRYPT_FORMATS } from './crypt.ts';
import type { DigestTask } from './digest-rounds.ts';
import {
  behind,
  createFormat,
  decodeBase64,
  decodeHex,
  type HashFormat,
  isBetween,
  isSame,
  readJson,
  textOf,
} from './format.ts';

interface Parts {
  readonly task: DigestTask;
  readonly key: Buffer;
}

const SIZES: Readonly<Record<string, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};
const LONGEST_SALT = 1024;
const MOST_ITERATIONS = 2 ** 31;
const NANOSECONDS = 2200;

function partsOf(
  algorithm: string,
  key: Buffer | undefined,
  salt: Buffer | undefined,
  how: Partial<DigestTask> = {},
): Parts | undefined {
  const isRight = key !== undefined && key.length === SIZES[algorithm];
  if (!isRight || !salt || salt.length > LONGEST_SALT) return undefined;
  return { task: { algorithm, salt, saltFirst: true, iterations: 1, ...how }, key };
}

const same = {
  cost: ({ task: { algorithm, iterations } }: Parts) => ({
    words: `${algorithm},${iterations}`,
    milliseconds: (iterations * NANOSECONDS) / 1e6,
    memory: 0,
  }),
  verify: async ({ task, key }: Parts, password: Buffer) =>
    isSame(await aside({ by: 'digest', task, password }), key),
};

/** `{SSHA}…`: the digest of password and salt, and then the salt. */
function readLdap(hash: string): Parts | undefined {
  const [, salted, scheme = '', text] = /^\{(S?)(MD5|SHA\d*)\}(.+)$/i.exec(hash) ?? [];
  const algorithm = scheme.toLowerCase() === 'sha' ? 'sha1' : scheme.toLowerCase();
  const bytes = decodeBase64(text);
  const size = SIZES[algorithm];
  if (!bytes || !size || bytes.length > size !== (salted !== '')) return undefined;
  const how = { saltFirst: false };
  return partsOf(algorithm, bytes.subarray(0, size), bytes.subarray(size), how);
}

/** `sha1$salt$digest` */
function readDjango(hash: string): Parts | undefined {
  const [, algorithm = '', salt = '', key] = /^(md5|sha1)\$([^$]*)\$([0-9a-f]+)$/.exec(hash) ?? [];
  return partsOf(algorithm, decodeHex(key), Buffer.from(salt));
}

function decode(encoding: unknown, text: unknown): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  if (encoding === 'hex') return decodeHex(text);
  return encoding === 'base64' ? decodeBase64(text) : undefined;
}

const NAMES = ['algorithm', 'hash', 'salt', 'iterations', 'order', 'encoding', 'salt_encoding'];
const ORDERS = ['salt_password', 'password_salt'];

/** `{"algorithm", "hash", "salt"?, "iterations"?, "order"?, "encoding"?}`; a salt is text. */
function readDescribed(hash: string): Parts | undefined {
  const json = readJson(hash);
  // What is not known could be what the digest was made with.
  if (!json || !Object.keys(json).every((name) => NAMES.includes(name))) return undefined;
  // As everywhere in an import: null and "" say as little as nothing.
  const told = <T>(name: string, usual: T) => (json[name] || usual) as T;
  const usual = /^[0-9a-f]+$/i.test(textOf(json.hash)) ? 'hex' : 'base64';
  const key = decode(told('encoding', usual), json.hash);
  const by = told('salt_encoding', 'text');
  const text = json.salt || '';
  const isText = typeof text === 'string' && (by === 'text' || text === '');
  const salt = isText ? Buffer.from(text) : decode(by, text);
  const order = told('order', 'salt_password');
  const iterations = told('iterations', 1);
  if (!ORDERS.includes(order) || !isBetween(iterations, 1, MOST_ITERATIONS)) return undefined;
  const algorithm = textOf(json.algorithm).toLowerCase().replace(/^sha-/, 'sha');
  return partsOf(algorithm, key, salt, { saltFirst: order === 'salt_password', iterations });
}

export const DIGEST_FORMATS: readonly HashFormat[] = [
  createFormat({
    name: 'LDAP digest',
    begins: /^\{S?(?:MD5|SHA\d*)\}/i,
    read: readLdap,
    ...same,
  }),
  createFormat({ name: 'Django digest', begins: /^(?:md5|sha1)\$/, read: readDjango, ...same }),
  createFormat({
    name: 'described digest',
    begins: /^\{(?=.*"algorithm"\s*:\s*"(?:md5|sha-?(?:1|256|384|512))")(?!.*"hashIterations)/is,
    read: readDescribed,
    ...same,
  }),
  behind(/^\{(?:crypt|(?:md5|sha256|sha512)-crypt)\}/i, 'LDAP crypt', CRYPT_FORMATS),
  behind(/^\{(?:crypt|blf-crypt|bcrypt)\}/i, 'LDAP bcrypt', [bcrypt]),
  behind(/^\{argon2(?:id|i)?\}/i, 'LDAP argon2', [argon2]),
];
