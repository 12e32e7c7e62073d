// A web application with sessions of its own: people sign in at Gatehouse, and as long as somebody
// comes by, the tokens of the session are renewed a minute before they run out.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as oidc from 'openid-client';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;
const PORT = Number(process.env.PORT ?? 8080);
const HOME = process.env.BASE_URL ?? `http://localhost:${PORT}`;
const REDIRECT_URI = `${HOME}/callback`;
const COOKIE = 'example_session';
/** Milliseconds. */
const EARLY = 60_000;

interface Session {
  /** Of a sign-in that is under way. */
  pending?: { readonly state: string; readonly nonce: string; readonly verifier: string };
  tokens?: Tokens;
  /** A refresh that is under way: requests side by side wait for one and the same. */
  refreshing?: Promise<void> | undefined;
}

interface Tokens {
  readonly name: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  /** Milliseconds. */
  readonly expiresAt: number;
}

if (CLIENT_ID === '' || CLIENT_SECRET === '') {
  console.error('Set CLIENT_ID and CLIENT_SECRET: `gatehouse client create` prints both.');
  process.exit(2);
}

// An issuer on this machine has no certificate.
const options = ISSUER.startsWith('http:') ? { execute: [oidc.allowInsecureRequests] } : {};
const gatehouse = await oidc.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  CLIENT_SECRET,
  undefined,
  options,
);
// In memory: an application with several processes keeps them where all can read them.
const sessions = new Map<string, Session>();

async function beginSignIn(session: Session): Promise<URL> {
  const pending = {
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    verifier: oidc.randomPKCECodeVerifier(),
  };
  session.pending = pending;
  return oidc.buildAuthorizationUrl(gatehouse, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile email',
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
  });
}

async function finishSignIn(session: Session, answer: URL): Promise<void> {
  const { state = '', nonce = '', verifier = '' } = session.pending ?? {};
  delete session.pending;
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier };
  const got = await oidc.authorizationCodeGrant(gatehouse, answer, checks);
  const sub = got.claims()?.sub ?? '';
  const { name, email } = await oidc.fetchUserInfo(gatehouse, got.access_token, sub);
  session.tokens = tokensOf(got, { name: name ?? email ?? sub });
}

/** Once for all who ask at once: a refresh token works once. */
function renew(session: Session, tokens: Tokens): Promise<void> {
  session.refreshing ??= refresh(session, tokens).finally(() => {
    session.refreshing = undefined;
  });
  return session.refreshing;
}

async function refresh(session: Session, tokens: Tokens): Promise<void> {
  try {
    const got = await oidc.refreshTokenGrant(gatehouse, tokens.refreshToken);
    session.tokens = tokensOf(got, tokens);
  } catch (error) {
    // The session at Gatehouse has ended; anything else may pass, and the token still lives.
    if (error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant') {
      delete session.tokens;
    } else if (tokens.expiresAt <= Date.now()) throw error;
  }
}

function tokensOf(
  got: oidc.TokenEndpointResponse,
  was: Partial<Tokens> & { name: string },
): Tokens {
  return {
    name: was.name,
    accessToken: got.access_token,
    refreshToken: got.refresh_token ?? was.refreshToken ?? '',
    idToken: got.id_token ?? was.idToken ?? '',
    expiresAt: Date.now() + (got.expires_in ?? 0) * 1000,
  };
}

async function current(session: Session): Promise<Tokens | undefined> {
  const { tokens } = session;
  if (tokens && tokens.expiresAt - Date.now() <= EARLY) await renew(session, tokens);
  return session.tokens;
}

function sessionOf(request: IncomingMessage, response: ServerResponse): Session {
  const id = new RegExp(`${COOKIE}=([\\w-]{43})`).exec(request.headers.cookie ?? '')?.[1];
  const found = id === undefined ? undefined : sessions.get(id);
  if (found) return found;
  const fresh = randomBytes(32).toString('base64url');
  const secure = HOME.startsWith('https:') ? '; Secure' : '';
  response.setHeader('set-cookie', `${COOKIE}=${fresh}; Path=/; HttpOnly; SameSite=Lax${secure}`);
  const session = {};
  sessions.set(fresh, session);
  return session;
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', HOME);
  const session = sessionOf(request, response);
  if (url.pathname === '/sign-in') return redirect(response, await beginSignIn(session));
  if (url.pathname === '/callback') {
    await finishSignIn(session, url);
    return redirect(response, new URL(HOME));
  }
  if (url.pathname !== '/') return answer(response, 404, { error: 'not_found' });
  const tokens = await current(session);
  if (!tokens) return answer(response, 200, { signed_in: false, sign_in: `${HOME}/sign-in` });
  const { name, expiresAt } = tokens;
  // Here the application would call its API with the access token.
  const expires_at = new Date(expiresAt).toISOString();
  answer(response, 200, { signed_in: true, name, expires_at });
}

function redirect(response: ServerResponse, to: URL): void {
  response.writeHead(303, { location: to.href }).end();
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}

createServer((request, response) => {
  handle(request, response).catch((error: Error) => {
    process.stderr.write(`${request.url?.split('?')[0]}: ${error.message}\n`);
    answer(response, 502, { error: 'sign_in_failed', sign_in: `${HOME}/sign-in` });
  });
}).listen(PORT, () => process.stdout.write(`${HOME}\n`));
