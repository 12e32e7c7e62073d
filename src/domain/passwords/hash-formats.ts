// Stored passwords of every form: rows that are looked through for the one that can read the hash.
import { isGatehouseError } from '../../lib/errors.ts';
import { nfkc, normalized } from '../../lib/normal-form.ts';
import { argon2, djangoArgon2 } from './formats/argon2.ts';
import {
  bcrypt,
  djangoBcrypt,
  djangoBcryptSha256,
  passlibBcryptSha256,
  wordpressBcrypt,
} from './formats/bcrypt.ts';
import { CRYPT_FORMATS } from './formats/crypt.ts';
import { DIGEST_FORMATS } from './formats/digests.ts';
import type { Cost, HashFormat, Verify } from './formats/format.ts';
import { keycloak } from './formats/keycloak.ts';
import { PBKDF2_FORMATS } from './formats/pbkdf2.ts';
import { PHPASS_FORMATS } from './formats/phpass.ts';
import { SCRYPT_FORMATS } from './formats/scrypt.ts';

export const HASH_FORMATS: readonly HashFormat[] = [
  argon2,
  djangoArgon2,
  bcrypt,
  djangoBcrypt,
  djangoBcryptSha256,
  passlibBcryptSha256,
  wordpressBcrypt,
  keycloak,
  ...PHPASS_FORMATS,
  ...CRYPT_FORMATS,
  ...SCRYPT_FORMATS,
  ...PBKDF2_FORMATS,
  ...DIGEST_FORMATS,
];

type Bounds = Readonly<Pick<Cost, 'milliseconds' | 'memory'>>;

const MIB = 1024 * 1024;
/** Of a hash that is taken in. */
export const MOST_TAKEN: Bounds = { milliseconds: 1000, memory: 256 * MIB };
/** Of one that stands here: ours may be as costly as the configuration allows. */
const MOST_READ: Bounds = { milliseconds: 20_000, memory: 2048 * MIB };

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

/** Undefined for a wrong password, and for a hash that cannot be read. Throws `busy`. */
export async function matchHash(hash: string, password: string): Promise<Match | undefined> {
  const format = formatOf(hash);
  // Some systems have a hash of the empty password for people who have none.
  if (!format || password === '') return undefined;
  const normal = Buffer.from(nfkc(password));
  for (const { verify, bytes } of attemptsOf(format, password)) {
    if (!(await isRight(verify, hash, bytes))) continue;
    const whole = bytes.length <= (format.reads ?? Number.POSITIVE_INFINITY);
    return { asHashedHere: bytes.equals(normal), whole };
  }
  return undefined;
}

/** Libraries throw at what is malformed in ways that no pattern sees: that is a refusal. */
function isRight(verify: Verify, hash: string, password: Buffer): Promise<boolean> {
  return verify(hash, password).catch((error: unknown) => {
    // What was not looked at is no wrong password.
    if (isGatehouseError(error, 'busy')) throw error;
    return false;
  });
}

/** For one guess: whoever makes one must not have more computed than this. */
const MOST_ATTEMPTS = 3;

interface Attempt {
  readonly verify: Verify;
  readonly bytes: Buffer;
}

function attemptsOf({ verify, others = [] }: HashFormat, password: string): Attempt[] {
  const ways = [verify, ...others];
  const all = spellingsOf(password).flatMap((bytes) => ways.map((way) => ({ verify: way, bytes })));
  return all.slice(0, MOST_ATTEMPTS);
}

/** What the other system may have had for bytes when the same keys were pressed. */
export function spellingsOf(password: string): Buffer[] {
  const composed = normalized('NFC', password);
  const texts = [nfkc(password), password, composed, normalized('NFD', password)];
  const spellings = texts.map((text) => Buffer.from(text));
  if (/^[\0-\xff]*$/.test(composed)) spellings.push(Buffer.from(composed, 'latin1'));
  return spellings.filter((bytes, at) => spellings.findIndex((each) => each.equals(bytes)) === at);
}

/** The row that reads a hash at a cost that a sign-in may have. */
export function formatOf(hash: string): HashFormat | undefined {
  const format = readerOf(hash);
  return format && isWithin(format.cost(hash), MOST_READ) ? format : undefined;
}

/** The row that could read it, if cost did not matter. */
export function readerOf(hash: string): HashFormat | undefined {
  return HASH_FORMATS.find((format) => format.is(hash));
}

export function isWithin(cost: Cost, most: Bounds): boolean {
  return cost.milliseconds <= most.milliseconds && cost.memory <= most.memory;
}
