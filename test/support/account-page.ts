// People at their account page, and what becomes of everything else that they are signed in with.
import { expect } from 'chai';
import { codeFor } from './authenticator-app.ts';
import { afterPassword, type EnrolledPerson } from './enrolled-person.ts';
import type { Gatehouse } from './gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  type Person,
  type RelyingParty,
  type Request_,
  type Tokens,
} from './relying-party.ts';
import { createWeb, decodeEntities, type Page, titleOf, type Web } from './web.ts';

type Core = Pick<Gatehouse, 'url' | 'advance'>;

export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** A code that nobody has used: the clock moves on by a step. */
export async function nextCode({ advance }: Core, secret: string): Promise<string> {
  await advance('30s');
  return codeFor(secret);
}

/** Whatever a sign-in asks for, until it is over. */
export async function passSignIn(
  gatehouse: Core,
  web: Web,
  page: Page,
  person: Person & { readonly secret?: string },
): Promise<Page> {
  const { email, password, secret } = person;
  let now = page;
  if (titleOf(now) === 'Sign in') {
    now = await web.submit(now, '/prove/password', { email, password });
  }
  if (titleOf(now) === 'Two-factor authentication') {
    const code = await nextCode(gatehouse, secret ?? '');
    now = await web.submit(now, '/prove/totp', { code });
  }
  return now;
}

/** Signed in just now, at the account page. */
export async function openAccount(
  gatehouse: Core,
  person: Person & { readonly secret?: string },
  web = createWeb(gatehouse.url),
): Promise<{ web: Web; page: Page }> {
  const first = await web.get(`${gatehouse.url}/account`);
  const page = await passSignIn(gatehouse, web, first, person);
  expect(titleOf(page), page.text).to.equal('Account');
  return { web, page };
}

/** Signed in by a password and a trusted device: enough for most, and not for changes. */
export async function openOnTrustedDevice(
  gatehouse: Core,
  party: RelyingParty,
  person: EnrolledPerson,
): Promise<Web> {
  const web = createWeb(gatehouse.url);
  const challenge = await afterPassword(web, party, person);
  const code = await nextCode(gatehouse, person.secret);
  await web.submit(challenge, '/prove/totp', { code, remember: 'yes' });
  // Within one second the stronger of two sign-ins would count.
  await gatehouse.advance('1s');
  await afterPassword(web, party, person, { prompt: 'login' });
  return web;
}

/** The text of a section, by the name of its heading. */
export function sectionOf(page: Page, name: string): string {
  const sections = [...page.text.matchAll(/<section[^>]*>([\s\S]*?)<\/section>/g)];
  const found = sections.find(([, html = '']) => /<h2[^>]*>([^<]*)/.exec(html)?.[1] === name);
  if (!found) throw new Error(`no section "${name}" on ${page.url}: ${titleOf(page)}`);
  return decodeEntities((found[1] ?? '').replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}

/** Where the links and forms of a page lead, in their order. */
export function pathsOn(page: Page, pattern: RegExp): string[] {
  const all = [...page.text.matchAll(/(?:href|action)="([^"]*)"/g)];
  return all.map(([, path = '']) => decodeEntities(path)).filter((path) => pattern.test(path));
}

export function pathOn(page: Page, pattern: RegExp): string {
  const [path] = pathsOn(page, pattern);
  if (!path) throw new Error(`nothing leads to ${pattern} on ${page.url}: ${titleOf(page)}`);
  return path;
}

/** What the page says of the change before it. */
export function statusOf(page: Page): string {
  const html = /role="status" tabindex[^>]*>([\s\S]*?)<\/div>/.exec(page.text)?.[1] ?? '';
  return decodeEntities(html.replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}

/** A browser in which a person is signed in at an application, with all that it has got there. */
export interface Elsewhere {
  readonly web: Web;
  readonly party: RelyingParty;
  readonly request: Request_;
  readonly tokens: Tokens;
}

export async function signInElsewhere(
  gatehouse: Core,
  party: RelyingParty,
  person: Person & { readonly secret?: string },
  options: { readonly web?: Web; readonly scope?: string; readonly resource?: string } = {},
): Promise<Elsewhere> {
  const { web = createWeb(gatehouse.url), scope = 'openid email' } = options;
  const { resource } = options;
  const request = party.url({
    scope,
    ...(/offline/.test(scope) ? { prompt: 'consent' } : {}),
    ...(resource ? { resource } : {}),
  });
  const page = await passSignIn(gatehouse, web, await web.get(request.url), person);
  const code = codeOf(await allowIfAsked(web, page));
  const { body } = await party.redeem(request, code);
  return { web, party, request, tokens: body as unknown as Tokens };
}

/** At every endpoint of ours; the refresh token is used, not used up, where it still works. */
export async function expectDead(core: Core, { web, party, tokens }: Elsewhere): Promise<void> {
  expect((await party.userinfo(tokens.access_token)).status, 'userinfo').to.equal(401);
  const refreshed = await party.refresh(tokens.refresh_token ?? '');
  expect(refreshed.body.error, 'refresh').to.equal('invalid_grant');
  const silent = await web.get(party.url({ prompt: 'none' }).url);
  expect(silent.url.searchParams.get('error'), 'prompt=none').to.equal('login_required');
  expect(titleOf(await web.get(`${core.url}/account`)), 'account page').to.equal('Sign in');
}

/** In the browser, whatever became of its tokens. */
export async function expectSignedIn(core: Core, web: Web, party: RelyingParty): Promise<void> {
  const silent = await web.get(party.url({ prompt: 'none' }).url);
  expect(silent.url.searchParams.get('code'), silent.url.href).to.be.a('string');
  expect(titleOf(await web.get(`${core.url}/account`))).to.equal('Account');
}
