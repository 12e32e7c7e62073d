// A single-page application on an origin of its own: the published oidc-client-ts, as it is.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Spa {
  readonly origin: string;
  /** What it is to be registered with, under the id it was started with. */
  readonly metadata: Readonly<Record<string, unknown>>;
  stop(): void;
}

export interface SpaOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Without one, it renews in an iframe. */
  readonly refreshTokens: boolean;
}

const entry = fileURLToPath(import.meta.resolve('oidc-client-ts'));
const library = entry.replace(/dist[/\\].*$/, 'dist/browser/oidc-client-ts.js');

/** Every button does one thing with the library and shows what came of it. */
const program = `
  const manager = new oidc.UserManager(settings);
  const show = (what) => { document.querySelector('output').textContent = JSON.stringify(what); };
  const actions = {
    'sign-in': () => manager.signinRedirect(),
    'renew': async () => show(await manager.signinSilent()),
    'sign-out': () => manager.signoutRedirect(),
  };
  const attempt = async (action) => {
    show({ busy: true });
    try {
      await action();
    } catch (error) {
      show({ error: error.error ?? error.message });
    }
  };
  for (const [id, action] of Object.entries(actions)) {
    document.getElementById(id).addEventListener('click', () => attempt(action));
  }
  if (location.pathname === '/callback') attempt(async () => show(await manager.signinCallback()));
  if (location.pathname === '/signed-out') {
    attempt(async () => {
      await manager.signoutCallback();
      show({ user: await manager.getUser() });
    });
  }`;

const page = `<!doctype html>
  <html lang="en">
    <head>
      <title>SPA</title>
      <link rel="icon" href="data:,">
      <script src="/oidc-client-ts.js"></script>
      <script src="/settings.js"></script>
      <script src="/program.js" defer></script>
    </head>
    <body>
      <h1>SPA</h1>
      <button id="sign-in">Sign in</button>
      <button id="renew">Renew</button>
      <button id="sign-out">Sign out</button>
      <output></output>
    </body>
  </html>`;

export async function startSpa(options: SpaOptions): Promise<Spa> {
  const scripts = new Map([
    ['/oidc-client-ts.js', readFileSync(library, 'utf8')],
    ['/program.js', program],
  ]);
  const server = createServer((request, response) => {
    const script = scripts.get(new URL(request.url ?? '/', 'http://spa').pathname);
    const type = script === undefined ? 'text/html' : 'text/javascript';
    response.setHeader('content-type', `${type}; charset=utf-8`).end(script ?? page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  scripts.set('/settings.js', `const settings = ${JSON.stringify(settings(origin, options))};`);
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin, metadata: metadata(origin, options), stop };
}

function settings(origin: string, { issuer, clientId }: SpaOptions) {
  return {
    authority: issuer,
    client_id: clientId,
    redirect_uri: `${origin}/callback`,
    post_logout_redirect_uri: `${origin}/signed-out`,
    scope: 'openid profile email',
    loadUserInfo: true,
    automaticSilentRenew: false,
  };
}

function metadata(origin: string, { refreshTokens }: SpaOptions) {
  return {
    client_name: 'SPA',
    client_uri: `${origin}/`,
    token_endpoint_auth_method: 'none',
    redirect_uris: [`${origin}/callback`],
    post_logout_redirect_uris: [`${origin}/signed-out`],
    grant_types: ['authorization_code', ...(refreshTokens ? ['refresh_token'] : [])],
  };
}
