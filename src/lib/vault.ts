// Everything that is done with the master key: sealing, keyed hashes, keys for cookies and forms.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { GatehouseError, isGatehouseError } from './errors.ts';

export interface Vault {
  /** Eight characters that name the master key; they stand in front of everything sealed. */
  readonly keyId: string;
  /** Keys that sign cookies, newest first. */
  readonly cookieKeys: readonly string[];
  /** Keyed hash (HMAC-SHA256, base64url): how a secret that is looked up or compared is stored. */
  digest(purpose: string, value: string): string;
  /** 256 bits that nobody can tell without the master key; the same for the same `name`. */
  derive(purpose: string, name: string): Buffer;
  /** Whether `value` has this digest, in constant time. */
  matches(purpose: string, value: string, digest: string): boolean;
  /** AES-256-GCM; `context` is bound to the text and must be given again to open it. */
  seal(text: string, context: string): string;
  /** Throws `sealed_with_other_key` or `sealed_value_damaged`. */
  open(sealed: string, context: string): string;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** @param secret the master key, at least 32 characters */
export function createVault(secret: string): Vault {
  const bytesFor = (use: string) => Buffer.from(hkdfSync('sha256', secret, 'gatehouse', use, 32));
  // Made into keys once: Node is slow to find out what a bare buffer is, at each use.
  const keyFor = (use: string) => createSecretKey(bytesFor(use));
  const sealing = keyFor('seal');
  const hashing = keyFor('digest');
  const deriving = keyFor('derive');
  const keyId = createHash('sha256').update(bytesFor('key-id')).digest('base64url').slice(0, 8);

  const digest = (purpose: string, value: string) =>
    createHmac('sha256', hashing).update(`${purpose}\0${value}`).digest('base64url');

  return {
    keyId,
    cookieKeys: [bytesFor('cookies').toString('base64url')],
    digest,
    derive: (purpose, name) =>
      createHmac('sha256', deriving).update(`${purpose}\0${name}`).digest(),
    matches: (purpose, value, expected) => safeEqual(digest(purpose, value), expected),
    seal: (text, context) => `${keyId}.${encrypt(sealing, text, context).toString('base64url')}`,
    open: (sealed, context) => {
      const dot = sealed.indexOf('.');
      if (sealed.slice(0, dot) !== keyId) throw new GatehouseError('sealed_with_other_key');
      return decrypt(sealing, decode(sealed.slice(dot + 1)), context);
    },
  };
}

/** Undefined for what was damaged, moved to another row, or sealed with another key. */
export function openIfWhole(vault: Vault, sealed: string, context: string): string | undefined {
  try {
    return vault.open(sealed, context);
  } catch (error) {
    if (isGatehouseError(error)) return undefined;
    throw error;
  }
}

/** Compares two texts in constant time for equal lengths. */
export function safeEqual(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function encrypt(key: KeyObject, text: string, context: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** Takes only what `seal` writes: Node's decoder skips characters and bits that don't belong. */
function decode(encoded: string): Buffer {
  const bytes = Buffer.from(encoded, 'base64url');
  if (bytes.toString('base64url') !== encoded) throw new GatehouseError('sealed_value_damaged');
  return bytes;
}

function decrypt(key: KeyObject, bytes: Buffer, context: string): string {
  try {
    const iv = bytes.subarray(0, IV_BYTES);
    // Without the length, a tag cut to four bytes would do.
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = bytes.subarray(IV_BYTES, -TAG_BYTES);
    return decipher.update(text, undefined, 'utf8') + decipher.final('utf8');
  } catch (cause) {
    throw new GatehouseError('sealed_value_damaged', { cause });
  }
}
