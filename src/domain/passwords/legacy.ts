// Stored passwords of every form: rows that are looked through for the one that can read the hash.
import { nfkc } from '../../lib/normal-form.ts';
import { argon2, djangoArgon2 } from './formats/argon2.ts';
import { bcrypt, djangoBcrypt, djangoBcryptSha256 } from './formats/bcrypt.ts';
import type { HashFormat } from './formats/format.ts';
import { djangoPbkdf2, pbkdf2 } from './formats/pbkdf2.ts';
import { djangoScrypt, scrypt } from './formats/scrypt.ts';

export const HASH_FORMATS: readonly HashFormat[] = [
  argon2,
  bcrypt,
  scrypt,
  pbkdf2,
  djangoArgon2,
  djangoBcrypt,
  djangoBcryptSha256,
  djangoScrypt,
  djangoPbkdf2,
];

/** Whether a sign-in could verify such a hash. */
export function isReadableHash(hash: string): boolean {
  return formatOf(hash) !== undefined;
}

export interface Match {
  /** The form NFKC was right, in which passwords are hashed here. */
  readonly asHashedHere: boolean;
  /** The hash looked at every byte of the password. */
  readonly whole: boolean;
}

/** Undefined for a wrong password, and for a hash that cannot be read. */
export async function matchHash(hash: string, password: string): Promise<Match | undefined> {
  const format = formatOf(hash);
  if (!format) return undefined;
  const normal = nfkc(password);
  for (const text of new Set([normal, password])) {
    if (!(await isRight(format, hash, text))) continue;
    const whole = Buffer.byteLength(text) <= (format.reads ?? Number.POSITIVE_INFINITY);
    return { asHashedHere: text === normal, whole };
  }
  return undefined;
}

/** Libraries throw at what is malformed in ways that no pattern sees: that is a refusal. */
function isRight(format: HashFormat, hash: string, password: string): Promise<boolean> {
  return format.verify(hash, password).catch(() => false);
}

export function formatOf(hash: string): HashFormat | undefined {
  return HASH_FORMATS.find((format) => format.is(hash));
}
