// The demo accounts: each shows another part of a sign-in. Made in development only.
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import bcrypt from 'bcrypt';
import { generateSecret } from 'otplib';
import { z } from 'zod';
import type { Core } from './app.ts';

const person = z.object({
  email: z.string(),
  password: z.string(),
  totp_secret: z.string().optional(),
  shows: z.string(),
});

export type DemoPerson = z.infer<typeof person>;

interface Role {
  readonly email: string;
  readonly name: string;
  readonly shows: string;
  /** The account is there before anybody signs in with it; else it is new. */
  readonly existing: boolean;
  readonly hasAuthenticator?: boolean;
  /** From an older system: with this password, hashed by bcrypt. */
  readonly weakPassword?: string;
}

const ROLES: readonly Role[] = [
  {
    email: 'demo@example.com',
    name: 'Demo',
    existing: true,
    shows:
      'demonstrates the grace period: set up two-factor authentication, or select "Remind me later"',
  },
  {
    email: 'enrolled@example.com',
    name: 'Enrolled',
    existing: true,
    hasAuthenticator: true,
    shows: 'demonstrates an authenticator code and "Remember this device"',
  },
  {
    email: 'legacy@example.com',
    name: 'Legacy',
    existing: true,
    weakPassword: 'sunshine1',
    shows: 'demonstrates a forced password change (imported weak password)',
  },
  {
    email: 'new@example.com',
    name: 'New',
    existing: false,
    shows: 'demonstrates a first sign-in: set up an authenticator and save backup codes',
  },
];

const FILE = 'demo.json';

/** The same people at each start; accounts that were deleted are made again. */
export async function ensurePeople(core: Core): Promise<readonly DemoPerson[]> {
  const file = join(core.config.data_dir, FILE);
  const people = existsSync(file) ? readPeople(file) : writePeople(file, core);
  for (const each of people) await ensurePerson(core, each);
  return people;
}

function readPeople(file: string): DemoPerson[] {
  return z
    .array(person)
    .min(1)
    .parse(JSON.parse(readFileSync(file, 'utf8')));
}

function writePeople(file: string, { passwords }: Core): DemoPerson[] {
  const people = ROLES.map(({ email, name, shows, weakPassword, hasAuthenticator }) => {
    const meets = (text: string) => passwords.checkPassword(text, { email, name }).met;
    const password = weakPassword ?? inventUntil(meets);
    return {
      email,
      password,
      ...(hasAuthenticator ? { totp_secret: generateSecret() } : {}),
      shows,
    };
  });
  writeFileSync(file, `${JSON.stringify(people, null, 2)}\n`, { mode: 0o600 });
  return people;
}

async function ensurePerson(core: Core, who: DemoPerson): Promise<void> {
  if (await core.accounts.findByEmail(who.email)) return;
  const role = ROLES.find(({ email }) => email === who.email) ?? ROLES[0];
  const line = {
    email: who.email,
    name: role?.name,
    existing: role?.existing,
    email_verified: true,
    password_hash: role?.weakPassword
      ? await bcrypt.hash(who.password, 10)
      : await core.hashing.hash(who.password),
    totp_secret: who.totp_secret,
  };
  // Somebody else who starts at the same time may have made it.
  await core.importAccounts(oneRecord(line));
}

async function* oneRecord(record: object): AsyncGenerator<Uint8Array> {
  yield Buffer.from(JSON.stringify(record));
}

const CONSONANTS = 'bdfgklmnprstvz';
const VOWELS = 'aeiou';
const pick = (from: string) => from.charAt(randomInt(from.length));

/** Letters by chance may spell the name; a policy of the operator's own may ask for more. */
function inventUntil(isGood: (password: string) => boolean, tries = 100): string {
  const password = inventPassword();
  return tries <= 1 || isGood(password) ? password : inventUntil(isGood, tries - 1);
}

/** Four syllable groups, capitals, digits and signs: easy to type once, 60 bits strong. */
function inventPassword(): string {
  const syllable = () => pick(CONSONANTS) + pick(VOWELS);
  const group = () => {
    const text = syllable() + syllable() + pick(CONSONANTS);
    return text.charAt(0).toUpperCase() + text.slice(1) + randomInt(10);
  };
  return [group(), group(), group(), group()].join('-');
}
