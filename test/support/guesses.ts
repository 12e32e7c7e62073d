// Somebody who guesses passwords, from any address, and how many of the guesses were looked at.
import { createFactors } from '../../src/factors/index.ts';
import type { GatehouseOptions } from './gatehouse.ts';
import { PASSWORD, type RelyingParty } from './relying-party.ts';
import { createWeb, findForm, type Page, type Web } from './web.ts';

/** Whoever connects from this machine may say where it comes from. */
export const BEHIND_PROXY = { TRUSTED_PROXIES: '127.0.0.1,::1' };

export interface From {
  readonly address?: string | undefined;
  readonly userAgent?: string;
  /** A browser of its own each time when unset. */
  readonly web?: Web;
  /** The process that is asked; the issuer's own when unset. */
  readonly at?: string;
}

export interface Verifier {
  readonly factors: NonNullable<GatehouseOptions['factors']>;
  /** How many passwords have been looked at, unknown accounts included. */
  looks(): number;
}

/** Takes the place of argon2: only {@link PASSWORD} is right. */
export function createVerifier(): Verifier {
  let looks = 0;
  const hashing = {
    hash: async () => 'decoy',
    verify: async (_hash: string, password: string) => {
      looks += 1;
      return password === PASSWORD ? ('right' as const) : ('wrong' as const);
    },
  };
  return { factors: (needs) => createFactors({ ...needs, hashing }), looks: () => looks };
}

let ranges = 0;

/** An address in a range that no test has used. */
export function freshAddress(): string {
  ranges += 1;
  return `10.${ranges >> 8}.${ranges & 255}.7`;
}

export function headersOf({ address, userAgent }: From): Record<string, string> {
  return {
    ...(address ? { 'x-forwarded-for': address } : {}),
    ...(userAgent ? { 'user-agent': userAgent } : {}),
  };
}

/** One password on the page of a fresh authorization request. */
export async function guess(
  party: RelyingParty,
  email: string,
  password: string,
  from: From = {},
): Promise<Page> {
  const { url } = party.url();
  const home = new URL(url).origin;
  const web = from.web ?? createWeb(home);
  const page = await web.get(url);
  return send(web, page, { email, password }, from);
}

/** Sends the password form of a page that is there already. */
export function send(
  web: Web,
  page: Page,
  fields: Record<string, string>,
  from: From = {},
): Promise<Page> {
  const form = findForm(page, '/prove/password');
  const action = from.at ? new URL(form.action.pathname, from.at) : form.action;
  return web.post(action, { ...form.fields, ...fields }, headersOf(from));
}

/** @returns the status of each of so many wrong passwords, one after another */
export async function guessWrong(
  party: RelyingParty,
  email: string,
  times: number,
  from: From = {},
): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) {
    statuses.push((await guess(party, email, `wrong ${time}`, from)).status);
  }
  return statuses;
}

export function evaluated(statuses: readonly number[]): number {
  return statuses.filter((status) => status !== 429).length;
}

/** Seconds until the time in the alert. */
export function retryAtOf(page: Page): number {
  const iso = /<time datetime="([^"]+)">/.exec(page.text)?.[1];
  if (!iso) throw new Error(`no time on ${page.url} (${page.status})`);
  return Math.round((Date.parse(iso) - Date.now()) / 1000);
}
