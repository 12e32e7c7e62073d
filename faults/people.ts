// What people and their applications do in the experiments, each act with its line in the journal.
import { randomBytes } from 'node:crypto';
import { PASSWORD } from '../test/support/relying-party.ts';
import { type Answer, type Journal, nameOf, type Outcome } from './journal.ts';
import type { Site } from './site.ts';

export interface Person {
  readonly id: string;
  readonly email: string;
  password: string;
  /** An address of their own, so that nobody waits for somebody else's failures. */
  readonly address: string;
}

let made = 0;

export async function createPerson({ core }: Pick<Site, 'core'>): Promise<Person> {
  made += 1;
  const email = `person-${made}-${randomBytes(4).toString('hex')}@example.com`;
  const { id } = await core.accounts.create({ email, password: PASSWORD, name: 'Test Person' });
  const address = `10.${(made >> 8) & 255}.${made & 255}.7`;
  return { id, email, password: PASSWORD, address };
}

/** For `env`: the addresses that people say they come from are believed. */
export const BELIEVING = { TRUSTED_PROXIES: '127.0.0.1,::1' };

export function accountKey({ id }: Person): string {
  return `account:${id}`;
}

export function passwordKey({ id }: Person, password: string): string {
  return `password:${id}:${nameOf(password)}`;
}

/** Over JSON. @returns the refresh token, if there is one */
export async function signIn(
  { journal, site }: { journal: Journal; site: Site },
  person: Person,
  node: number,
  { password = person.password, more = {} }: { password?: string; more?: object } = {},
): Promise<{ outcome: Outcome; token: string | undefined; answer: Answer | undefined }> {
  const at = site.at(node);
  const { outcome, answer } = await journal.run(
    {
      act: 'sign-in',
      subject: person.email,
      account: person.id,
      needs: [accountKey(person), passwordKey(person, password)],
      audit: 'sign_in.finished',
      node: at,
    },
    () =>
      site.application.post(
        'login',
        { email: person.email, password, ...more },
        { at, headers: { 'x-forwarded-for': person.address } },
      ),
  );
  return { outcome, answer, token: tokenIn(answer) };
}

/** A family is named after its first token. */
export async function refresh(
  { journal, site }: { journal: Journal; site: Site },
  person: Person,
  token: string,
  node: number,
  family = token,
): Promise<{ outcome: Outcome; token: string | undefined; answer: Answer | undefined }> {
  const at = site.at(node);
  const { outcome, answer } = await journal.run(
    {
      act: 'refresh',
      subject: nameOf(token),
      once: true,
      account: person.id,
      needs: [accountKey(person), `family:${nameOf(family)}`],
      audit: 'token.refreshed',
      node: at,
    },
    () => site.application.post('refresh', { refreshToken: token }, { at }),
  );
  return { outcome, answer, token: tokenIn(answer) };
}

function tokenIn(answer: Answer | undefined): string | undefined {
  const token = answer?.body.refreshToken;
  return answer?.status === 200 && typeof token === 'string' ? token : undefined;
}
