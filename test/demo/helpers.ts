// What the tests of the demo app share: a tiny browser, two kinds of provider, and the app itself.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import Provider from 'oidc-provider';
import { type Demo, type DemoOptions, startDemo } from '../../src/demo/demo.ts';

export const clientId = 'example-app';
export const clientSecret = 'a secret only the tests know';

export interface Page {
  readonly view: string;
  readonly data: Record<string, never> & {
    readonly message?: string;
    readonly detail?: string;
    readonly csrf?: string;
    readonly hint?: string;
    readonly providerUrl?: string;
    readonly claims?: { name: string; value: string }[];
    readonly tokens?: { name: string; value: string }[];
    readonly actions: Record<string, string>;
  };
}

export interface Browser {
  /** One request, without following a redirect. */
  ask(url: string | URL, init?: RequestInit): Promise<Response>;
  post(url: string | URL, fields: Record<string, string>): Promise<Response>;
  cookie(name: string): string | undefined;
}

export function createBrowser(): Browser {
  const jar = new Map<string, string>();

  async function ask(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) keep(jar, line);
    return response;
  }

  return {
    ask,
    post: (url, fields) => ask(url, { method: 'POST', body: new URLSearchParams(fields) }),
    cookie: (name) => jar.get(name),
  };
}

function keep(jar: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (value === '') jar.delete(name);
  else jar.set(name, value);
}

export function location(response: Response): URL {
  return new URL(response.headers.get('location') ?? 'missing:', response.url);
}

export async function pageOf(response: Response): Promise<Page> {
  return JSON.parse(await response.text());
}

export function factOf(facts: { name: string; value: string }[] | undefined, name: string) {
  return facts?.find((fact) => fact.name === name)?.value;
}

async function listen(listener: RequestListener, port: number): Promise<Server> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

export interface TestDemo extends Demo {
  readonly lines: LogLine[];
}

export async function startTestDemo(
  issuer: string,
  port: number,
  changes: Partial<DemoOptions> = {},
): Promise<TestDemo> {
  const lines: LogLine[] = [];
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  const demo = await startDemo({
    issuer,
    clientId,
    clientSecret,
    baseUrl: `http://localhost:${port}`,
    host: '127.0.0.1',
    port,
    render: (view, data) => JSON.stringify({ view, data }),
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    ...changes,
  });
  return { ...demo, lines };
}

export interface TestProvider {
  readonly issuer: string;
  stop(): Promise<void>;
}

/** A real provider (oidc-provider with its development pages) on `port`. */
export async function startProvider(port: number, appUrl: string): Promise<TestProvider> {
  const issuer = `http://localhost:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [`${appUrl}/callback`],
        post_logout_redirect_uris: [`${appUrl}/`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    cookies: { keys: ['only for tests'] },
    jwks: { keys: [await privateKey()] },
    scopes: ['openid', 'profile', 'email'],
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  });
  const server = await listen(provider.callback(), port);
  return { issuer, stop: () => closeServer(server) };
}

async function privateKey() {
  const { privateKey: key } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(key)), alg: 'RS256', use: 'sig' };
}

/** Follows the provider's own pages until it sends the browser back to the app. */
export async function passProvider(browser: Browser, start: URL, login: string): Promise<URL> {
  let next = start;
  while (next.origin === start.origin) {
    const page = await browser.ask(next);
    const isForm = page.status === 200;
    next = isForm ? await submitForm(browser, await page.text(), login) : location(page);
  }
  return next;
}

async function submitForm(browser: Browser, html: string, login: string): Promise<URL> {
  const action = firstMatch(html, /<form[^>]* action="([^"]+)"/);
  const prompt = firstMatch(html, /name="prompt" value="([^"]+)"/);
  const fields = prompt === 'login' ? { prompt, login, password: 'any' } : { prompt };
  return location(await browser.post(action, fields));
}

export async function cancelAtProvider(browser: Browser, start: URL): Promise<URL> {
  const interaction = location(await browser.ask(start));
  const html = await (await browser.ask(interaction)).text();
  const abort = await browser.ask(firstMatch(html, /<a href="([^"]+\/abort)"/));
  return location(await browser.ask(location(abort)));
}

function firstMatch(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in ${text}`);
  return found;
}

export interface FakeProvider extends TestProvider {
  /** What the token endpoint answers next. */
  answer: () => Promise<{ status: number; body: object }>;
  /** How the token endpoint was asked, latest last. */
  readonly requests: { authorization: string | undefined; fields: URLSearchParams }[];
  discoveries: number;
  sign(claims: JWTPayload): Promise<string>;
  rotateKey(options?: { publish: boolean }): Promise<void>;
}

/** A provider that says what a test makes it say, for answers that a real one never gives. */
export async function startFakeProvider(port: number): Promise<FakeProvider> {
  const issuer = `http://localhost:${port}`;
  let keys = await generateKeyPair('RS256');
  let published = keys.publicKey;

  async function respond(path: string | undefined): Promise<{ status: number; body: object }> {
    if (path === '/jwks') return { status: 200, body: { keys: [await exportJWK(published)] } };
    if (path === '/token') return fake.answer();
    fake.discoveries += 1;
    return { status: 200, body: fakeMetadata(issuer) };
  }

  const server = await listen(async (request, response) => {
    const text = (await request.toArray()).join('');
    if (request.url === '/token') {
      const { authorization } = request.headers;
      fake.requests.push({ authorization, fields: new URLSearchParams(text) });
    }
    const { status, body } = await respond(request.url);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }, port);

  const fake: FakeProvider = {
    issuer,
    stop: () => closeServer(server),
    answer: async () => ({ status: 500, body: {} }),
    requests: [],
    discoveries: 0,
    sign: (claims) =>
      new SignJWT({ iss: issuer, aud: clientId, sub: 'ada', ...claims })
        .setProtectedHeader({ alg: 'RS256' })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(keys.privateKey),
    async rotateKey({ publish } = { publish: true }) {
      keys = await generateKeyPair('RS256');
      if (publish) published = keys.publicKey;
    },
  };
  return fake;
}

function fakeMetadata(issuer: string): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    authorization_response_iss_parameter_supported: true,
  };
}
