// bcrypt as crypt writes it, under its five names, and what other systems hash before it.
import { createHmac, hash as digest } from 'node:crypto';
import bcryptLibrary from 'bcrypt';
import { behind, createFormat, type HashFormat, isBetween, isSame } from './format.ts';

const LEAST_ROUNDS = 4;
const MOST_ROUNDS = 31;
const READS = 72;
const SALT_LETTERS = 22;
const NANOSECONDS = 60_000;

interface Parts {
  /** `2a`, `2b`, `2y` are names of one algorithm. */
  readonly kind: string;
  readonly rounds: number;
  readonly salt: string;
  readonly checksum: string;
}

function read(hash: string): Parts | undefined {
  const shape = /^\$(2[abxy]?)\$(\d\d)\$([./A-Za-z0-9]{53})$/;
  const [, kind = '', rounds, text = ''] = shape.exec(hash) ?? [];
  return partsOf(kind, rounds, text.slice(0, SALT_LETTERS), text.slice(SALT_LETTERS));
}

function partsOf(kind: string, rounds: string | undefined, salt: string, checksum: string) {
  const parts: Parts = { kind, rounds: Number(rounds), salt, checksum };
  return isBetween(parts.rounds, LEAST_ROUNDS, MOST_ROUNDS) ? parts : undefined;
}

const costOf = ({ rounds }: Parts) => ({
  words: String(rounds),
  milliseconds: (2 ** rounds * NANOSECONDS) / 1e6,
  memory: 4096,
});

async function verify(parts: Parts, password: Buffer): Promise<boolean> {
  const { kind, rounds, salt, checksum } = parts;
  // The key repeats behind a NUL: `x` and `x\0x` would be one password.
  if (password.length === 0 || password.includes(0)) return false;
  const key = KEYS[kind]?.(password) ?? password;
  const made = await bcryptLibrary.hash(key, `$2b$${String(rounds).padStart(2, '0')}$${salt}`);
  return isSame(Buffer.from(made.slice(-checksum.length)), Buffer.from(checksum));
}

/** Passwords from which the algorithm of today makes what those of before made. */
const KEYS: Readonly<Record<string, (password: Buffer) => Buffer>> = {
  // It had no NUL at the end: a password was its own continuation.
  '2': (password) => Buffer.alloc(READS, password),
  '2x': withSigns,
};

/** crypt_blowfish before 1.1 took bytes for signed: one above 127 overwrote those before it. */
function withSigns(password: Buffer): Buffer {
  const cycle = Buffer.concat([password, Buffer.alloc(1)]);
  const key = Buffer.alloc(READS);
  let at = 0;
  for (let word = 0; word < READS / 4; word += 1) {
    let value = 0;
    for (let byte = 0; byte < 4; byte += 1) {
      value = (value << 8) | cycle.readInt8(at);
      at = (at + 1) % cycle.length;
    }
    key.writeInt32BE(value, word * 4);
  }
  return key;
}

export const bcrypt: HashFormat = createFormat({
  name: 'bcrypt',
  begins: /^\$2[abxy]?\$/,
  read,
  cost: costOf,
  verify,
  reads: READS,
});

/** Of a digest, so that all of a long password counts. */
const ofDigest = (before: (password: Buffer, parts: Parts) => string | Buffer) => ({
  cost: costOf,
  verify: (parts: Parts, password: Buffer) => verify(parts, Buffer.from(before(password, parts))),
});

/** `bcrypt$$2b$…` */
export const djangoBcrypt = behind(/^bcrypt\$(?=\$2)/, 'Django bcrypt', [bcrypt]);

/** `bcrypt_sha256$$2b$…` */
export const djangoBcryptSha256: HashFormat = createFormat({
  name: 'Django bcrypt_sha256',
  begins: /^bcrypt_sha256\$\$2/,
  read: (hash) =>
    hash.startsWith('bcrypt_sha256$') ? read(hash.slice('bcrypt_sha256$'.length)) : undefined,
  ...ofDigest((password) => digest('sha256', password)),
});

/** `$wp$2y$…` of WordPress 6.8. */
export const wordpressBcrypt: HashFormat = createFormat({
  name: 'WordPress bcrypt',
  begins: /^\$wp\$2/,
  read: (hash) => (hash.startsWith('$wp$') ? read(hash.slice('$wp'.length)) : undefined),
  ...ofDigest((password) => createHmac('sha384', 'wp-sha384').update(password).digest('base64')),
});

interface PasslibParts extends Parts {
  readonly version: number;
}

/** `$bcrypt-sha256$2b,12$salt$…`, and `$bcrypt-sha256$v=2,t=2b,r=12$salt$…` since 1.7.3. */
function readPasslib(hash: string): PasslibParts | undefined {
  const shape =
    /^\$bcrypt-sha256\$(?:(v=2,t=2b,r=)|2[aby],)(\d\d?)\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})$/;
  const [, second, rounds, salt = '', checksum = ''] = shape.exec(hash) ?? [];
  const parts = partsOf('2b', rounds, salt, checksum);
  return parts && { ...parts, version: second ? 2 : 1 };
}

export const passlibBcryptSha256: HashFormat = createFormat<PasslibParts>({
  name: 'passlib bcrypt-sha256',
  begins: /^\$bcrypt-sha256\$/,
  read: readPasslib,
  cost: costOf,
  verify: (parts, password) => {
    const bytes =
      parts.version === 2
        ? createHmac('sha256', parts.salt).update(password).digest('base64')
        : digest('sha256', password, 'base64');
    return verify(parts, Buffer.from(bytes));
  },
});
