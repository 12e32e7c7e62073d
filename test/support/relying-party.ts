// The simplest relying party: knows the protocol, keeps nothing, hides nothing from a test.
import { createHash, randomBytes } from 'node:crypto';
import type { Gatehouse } from './gatehouse.ts';
import { createWeb, type Page, type Web } from './web.ts';

export const REDIRECT_URI = 'https://app.example.com/callback';
/** Where a finished sign-in leads. */
export const CLIENT_URI = 'https://app.example.com/';
export const PASSWORD = 'Tavu7-Ripo3-Keld9';

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

export interface RelyingParty {
  readonly id: string;
  readonly secret: string | undefined;
  /** An authorization request; undefined parameters are left out. */
  url(parameters?: Record<string, string | undefined>): Request_;
  token(fields: Record<string, string>, at?: string): Promise<Answer>;
  redeem(request: Request_, code: string, at?: string): Promise<Answer>;
  refresh(refreshToken: string, at?: string): Promise<Answer>;
  introspect(token: string): Promise<Answer>;
  revoke(token: string): Promise<Answer>;
  userinfo(accessToken: string): Promise<Answer>;
}

export interface Request_ {
  readonly url: string;
  readonly verifier: string;
}

export interface ClientOptions {
  readonly metadata?: Record<string, unknown>;
}

export async function createRelyingParty(
  { core, url: issuer }: Pick<Gatehouse, 'core' | 'url'>,
  { metadata = {} }: ClientOptions = {},
): Promise<RelyingParty> {
  const { client, secret } = await core.clients.create({
    client_name: 'Test App',
    client_uri: CLIENT_URI,
    redirect_uris: [REDIRECT_URI],
    post_logout_redirect_uris: ['https://app.example.com/'],
    grant_types: ['authorization_code', 'refresh_token'],
    ...metadata,
  });
  return relyingParty(issuer, client.id, secret);
}

export function relyingParty(issuer: string, id: string, secret: string | undefined): RelyingParty {
  const authentication: Record<string, string> = secret
    ? { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
    : {};
  const own = secret ? {} : { client_id: id };
  const call = async (
    path: string,
    fields: Record<string, string>,
    at = issuer,
  ): Promise<Answer> => {
    const response = await fetch(`${at}${path}`, {
      method: 'POST',
      headers: { ...authentication, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...own, ...fields }),
    });
    return toAnswer(response);
  };
  const token: RelyingParty['token'] = (fields, at) => call('/token', fields, at);
  return {
    id,
    secret,
    token,
    url: (parameters = {}) => authorizationUrl(issuer, id, parameters),
    redeem: ({ verifier }, code, at) =>
      token(
        {
          grant_type: 'authorization_code',
          code,
          redirect_uri: REDIRECT_URI,
          code_verifier: verifier,
        },
        at,
      ),
    refresh: (refreshToken, at) =>
      token({ grant_type: 'refresh_token', refresh_token: refreshToken }, at),
    introspect: (value) => call('/introspect', { token: value }),
    revoke: (value) => call('/revoke', { token: value }),
    userinfo: async (accessToken) =>
      toAnswer(
        await fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } }),
      ),
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const body = text.startsWith('{') ? JSON.parse(text) : { text };
  return { status: response.status, body, headers: response.headers };
}

function authorizationUrl(
  issuer: string,
  id: string,
  parameters: Record<string, string | undefined>,
): Request_ {
  const verifier = randomBytes(32).toString('base64url');
  const all = {
    client_id: id,
    response_type: 'code',
    scope: 'openid email',
    redirect_uri: REDIRECT_URI,
    state: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given as Array<[string, string]>);
  return { url: `${issuer}/authorize?${query}`, verifier };
}

export interface Person {
  readonly email: string;
  readonly password: string;
  readonly id: string;
}

let people = 0;

export async function createPerson({ core }: Pick<Gatehouse, 'core'>): Promise<Person> {
  people += 1;
  const email = `person-${people}-${randomBytes(4).toString('hex')}@example.com`;
  const { id } = await core.accounts.create({ email, password: PASSWORD, name: 'Test Person' });
  return { email, password: PASSWORD, id };
}

/** Goes through the pages until the relying party has its answer. */
export async function signInAt(web: Web, page: Page, person: Person): Promise<Page> {
  const { email, password } = person;
  const next = await web.submit(page, '/prove/password', { email, password });
  return allowIfAsked(web, next);
}

export async function allowIfAsked(web: Web, page: Page): Promise<Page> {
  const isAsked = page.status === 200 && page.text.includes('value="allow"');
  return isAsked ? web.submit(page, '/consent', { decision: 'allow' }) : page;
}

export function codeOf(page: Page): string {
  const code = page.url.searchParams.get('code');
  if (!code) throw new Error(`no code at ${page.url} (${page.status})`);
  return code;
}

export interface SignIn {
  readonly web: Web;
  readonly tokens: Tokens;
  readonly code: string;
  readonly request: Request_;
}

/** A whole sign-in: authorization request, pages, code, tokens. */
export async function signIn(
  gatehouse: Pick<Gatehouse, 'url'>,
  party: RelyingParty,
  person: Person,
  options: { web?: Web; parameters?: Record<string, string | undefined> } = {},
): Promise<SignIn> {
  const web = options.web ?? createWeb(gatehouse.url);
  const request = party.url(options.parameters);
  const first = await web.get(request.url);
  const needsPages = first.url.origin === new URL(gatehouse.url).origin;
  const last = needsPages ? await passPages(web, first, person) : first;
  const code = codeOf(last);
  const answer = await party.redeem(request, code);
  if (answer.status !== 200) throw new Error(`no tokens: ${JSON.stringify(answer.body)}`);
  return { web, request, code, tokens: answer.body as unknown as Tokens };
}

function passPages(web: Web, page: Page, person: Person): Promise<Page> {
  const asksPassword = page.text.includes('name="password"');
  return asksPassword ? signInAt(web, page, person) : allowIfAsked(web, page);
}
