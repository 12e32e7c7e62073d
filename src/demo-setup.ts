// What development has beside the provider: a demo account, a demo client and the demo itself.

import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { House } from './app.ts';
import { isGatehouseError } from './lib/errors.ts';
import { randomId } from './lib/ids.ts';

const person = z.object({
  email: z.string(),
  password: z.string(),
  totp_secret: z.string().optional(),
  shows: z.string(),
});

export type DemoPerson = z.infer<typeof person>;

export interface RunningDemo {
  readonly url: string;
  /** `EMAIL / PASSWORD` */
  readonly signIn: string;
  stop(): Promise<void>;
}

const CLIENT_ID = 'demo';
const FILE = 'demo.json';
const NAME = 'Demo';

/** Makes what is missing and starts the demo relying party. */
export async function startDemoFor(house: House): Promise<RunningDemo> {
  const { config } = house;
  const people = await ensurePeople(house);
  const clientSecret = randomId(256);
  const baseUrl = `http://localhost:${config.demo.port}`;
  await registerClient(house, clientSecret, baseUrl);
  const first = people[0] as DemoPerson;
  const signIn = `${first.email} / ${first.password}`;
  const { startDemo } = await import('./demo/demo.ts');
  const demo = await startDemo({
    issuer: config.issuer,
    clientId: CLIENT_ID,
    clientSecret,
    baseUrl,
    host: config.host,
    port: config.demo.port,
    render: (view, data) => renderForDemo(house, view, data),
    log: house.log,
    hint: signIn,
  });
  return { url: demo.url, signIn, stop: demo.stop };
}

/** The demo borrows stylesheet and scripts from the provider, at its full address. */
function renderForDemo({ render, config }: House, view: string, data: Record<string, unknown>) {
  return render(view, data).replaceAll('"/assets/', `"${config.issuer}/assets/`);
}

async function registerClient(house: House, secret: string, baseUrl: string): Promise<void> {
  const metadata = {
    client_name: 'Example App',
    client_uri: `${baseUrl}/`,
    redirect_uris: [`${baseUrl}/callback`],
    post_logout_redirect_uris: [`${baseUrl}/`],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  // A secret of its own for each start: it is nowhere but in this process.
  await house.clients.create(metadata, { id: CLIENT_ID, secret, replace: true });
}

async function ensurePeople(house: House): Promise<DemoPerson[]> {
  const file = join(house.config.data_dir, FILE);
  const people = existsSync(file) ? readPeople(file) : writePeople(file, house);
  await Promise.all(people.map((each) => ensurePerson(house, each)));
  return people;
}

function readPeople(file: string): DemoPerson[] {
  return z
    .array(person)
    .min(1)
    .parse(JSON.parse(readFileSync(file, 'utf8')));
}

function writePeople(file: string, { passwords }: House): DemoPerson[] {
  const shows = 'a sign-in with e-mail and password';
  const email = 'demo@example.com';
  const meets = (text: string) => passwords.judge(text, { email, name: NAME }).met;
  const people = [{ email, password: inventUntil(meets), shows }];
  writeFileSync(file, `${JSON.stringify(people, null, 2)}\n`, { mode: 0o600 });
  return people;
}

async function ensurePerson({ accounts }: House, { email, password }: DemoPerson): Promise<void> {
  await accounts.create({ email, password, name: NAME }).catch((error: unknown) => {
    if (!isGatehouseError(error, 'already_exists')) throw error;
  });
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
