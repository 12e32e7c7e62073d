// Hashes that the libraries of their forms made: see test/fixtures/password-hashes.
import { randomBytes } from 'node:crypto';
import made from '../fixtures/password-hashes/made.json' with { type: 'json' };

export interface MadeElsewhere {
  readonly form: string;
  /** The library that made it, or where it was published. */
  readonly by: string;
  readonly password: string;
  readonly hash: string;
}

export const MADE_ELSEWHERE: readonly MadeElsewhere[] = made;

const b64 = (bytes: Buffer) => bytes.toString('base64');
const phc = (bytes: Buffer) => b64(bytes).replaceAll('=', '');
const json = (value: unknown) => JSON.stringify(value);
const salt = randomBytes(16);
const b64Salt = phc(salt);
const key = phc(randomBytes(32));
const letters = 'a'.repeat(53);

/** Form → a hash that would take too much of time or memory, and what is said of it. */
export const COSTLY: Readonly<Record<string, readonly [hash: string, figure: RegExp]>> = {
  'argon2, memory': [
    `$argon2id$v=19$m=262145,t=1,p=1$${b64Salt}$${key}`,
    /\$argon2id\$, argon2 m=262145,t=1,p=1: 257 MiB, and 256 MiB is the most/,
  ],
  'argon2, passes': [`$argon2i$v=19$m=65536,t=20,p=1$${b64Salt}$${key}`, /about 1\.6 s, and 1 s/],
  bcrypt: [`$2y$15$${letters}`, /\$2y\$, bcrypt 15: about 2 s, and 1 s is the most/],
  'passlib bcrypt-sha256': [
    `$bcrypt-sha256$v=2,t=2b,r=16$${letters.slice(0, 22)}$${letters.slice(0, 31)}`,
    /bcrypt-sha256 16: about 4 s/,
  ],
  'WordPress bcrypt': [`$wp$2y$31$${letters}`, /WordPress bcrypt 31: about 128850 s/],
  phpass: [`$P$R${letters.slice(0, 30)}`, /\$P\$, phpass 2\^29: about 5638 s/],
  Drupal: [`$S$M${letters.slice(0, 51)}`, /\$S\$, Drupal 2\^24: about 76 s/],
  'SHA-crypt': [`$6$rounds=999999999$ab$${letters}${letters.slice(0, 33)}`, /about 4100 s/],
  scrypt: [`$scrypt$ln=18,r=8,p=1$${b64Salt}$${key}`, /N=262144,r=8,p=1: 257 MiB, and 256 MiB/],
  'scrypt, lanes': [`scrypt:32768:8:64$salt$${'ab'.repeat(64)}`, /about 8\.4 s/],
  'Firebase scrypt': [
    json({
      algorithm: 'SCRYPT',
      hash: b64(randomBytes(64)),
      salt: 'QUJDRA==',
      base64_signer_key: b64(randomBytes(64)),
      rounds: 8,
      mem_cost: 22,
    }),
    /JSON, algorithm SCRYPT, Firebase scrypt N=4194304,r=8,p=1: 4097 MiB/,
  ],
  PBKDF2: [`$pbkdf2-sha256$9000000$${b64Salt}$${key}`, /sha256,9000000: about 3\.6 s/],
  'PBKDF2, a long key': [
    `{PBKDF2_SHA256}${b64(Buffer.concat([Buffer.from([0, 0x10, 0, 0]), randomBytes(320)]))}`,
    /\{PBKDF2_SHA256\}, 389-DS PBKDF2 sha256,1048576: about 3\.4 s/,
  ],
  'ASP.NET Identity': [
    b64(Buffer.concat([Buffer.from('01000000027fffffff00000010', 'hex'), randomBytes(48)])),
    /base64 of 84 characters, ASP\.NET Identity sha512,2147483647: about 1718 s/,
  ],
  Keycloak: [
    json({
      credentialData: json({ algorithm: 'pbkdf2-sha512', hashIterations: 7_000_000 }),
      secretData: json({ value: b64(randomBytes(64)), salt: b64(salt) }),
    }),
    /JSON, algorithm pbkdf2-sha512, Keycloak sha512,7000000: about 5\.6 s/,
  ],
  'described digest': [
    json({ algorithm: 'md5', hash: 'ab'.repeat(16), iterations: 1_000_000 }),
    /JSON, algorithm md5, described digest md5,1000000: about 2\.2 s/,
  ],
};
