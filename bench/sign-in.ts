// A whole sign-in as a browser and a relying party make it: request, pages, code, tokens.
import { createHash } from 'node:crypto';
import { findForm, type Page } from '../test/support/web.ts';
import type { Answer, Connection } from './connection.ts';
import { basic, formRequest, getRequest, jsonOf, type Server } from './requests.ts';
import { APP, type Person, REDIRECT_URI, SCOPE } from './setup.ts';

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
}

const VERIFIER = 'a-verifier-that-is-the-same-for-all-of-this-benchmark';
const AUTHORIZE = `/authorize?${new URLSearchParams({
  client_id: APP.id,
  response_type: 'code',
  scope: SCOPE,
  redirect_uri: REDIRECT_URI,
  state: 'state',
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
})}`;

/** @returns the tokens; throws if any step of it fails */
export async function signIn(
  server: Server,
  connection: Connection,
  { email, password }: Person,
): Promise<Tokens> {
  const browser = createBrowser(server, connection);
  const page = await browser.get(AUTHORIZE);
  const form = findForm(page, '/prove/password');
  const end = await browser.post(form.action.pathname, { ...form.fields, email, password });
  const code = end.url.searchParams.get('code');
  if (!code) throw new Error(`${server.name}: no code at ${end.url}\n${end.text.slice(0, 500)}`);
  return redeem(server, connection, code);
}

async function redeem(server: Server, connection: Connection, code: string): Promise<Tokens> {
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: VERIFIER,
  };
  const answer = await connection.send(formRequest(server, '/token', fields, basic(APP)));
  return jsonOf(answer, `${server.name} code`) as unknown as Tokens;
}

function createBrowser(server: Server, connection: Connection) {
  const jar = new Map<string, string>();

  const headers = () => ({
    Accept: 'text/html',
    Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
  });
  const get = async (path: string): Promise<Page> =>
    follow(path, await connection.send(getRequest(server, path, headers())));
  const post = async (path: string, fields: Record<string, string>): Promise<Page> =>
    follow(path, await connection.send(formRequest(server, path, fields, headers())));

  const follow = async (path: string, answer: Answer): Promise<Page> => {
    keepCookies(jar, answer.head);
    const url = new URL(path, server.issuer);
    const target = locationOf(answer, url);
    if (target?.origin === url.origin) return get(target.pathname + target.search);
    const { status, body } = answer;
    return { url: target ?? url, status, headers: new Headers(), text: body.toString() };
  };

  return { get, post };
}

function locationOf({ status, head }: Answer, at: URL): URL | undefined {
  const location = /\r\nlocation: *([^\r]+)/i.exec(head)?.[1];
  return status >= 300 && status < 400 && location ? new URL(location, at) : undefined;
}

// Each sign-in has a jar of its own, so neither paths nor times of cookies matter.
function keepCookies(jar: Map<string, string>, head: string): void {
  for (const [, name = '', value = ''] of head.matchAll(/\r\nset-cookie: *([^=]+)=([^;\r]*)/gi)) {
    if (value) jar.set(name, value);
    else jar.delete(name);
  }
}
