// The measure: oidc-provider alone, with its memory adapter and the least page that signs in.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import argon2 from 'argon2';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, {
  type ClientMetadata,
  type Configuration,
  errors,
  type Grant,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { HASH_COSTS } from './setup.ts';

/** What the benchmark hands over in the environment. */
export interface BareSetup {
  readonly port: number;
  readonly clients: readonly ClientMetadata[];
  readonly people: ReadonlyArray<{ readonly email: string; readonly password: string }>;
  readonly resources: ReadonlyArray<{
    readonly identifier: string;
    readonly scopes: readonly string[];
    readonly token_format: 'jwt' | 'opaque';
    readonly signing_alg?: string;
  }>;
}

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
const ACCESS_TOKEN_TTL = 900;

const setup = JSON.parse(process.env.BENCH_SETUP ?? '{}') as BareSetup;
const hashes = new Map<string, string>();
for (const { email, password } of setup.people) {
  hashes.set(email, await argon2.hash(password, { ...HASH_COSTS, type: argon2.argon2id }));
}
const issuer = `http://localhost:${setup.port}`;
const provider = new Provider(issuer, await configuration());
const answer = provider.callback();

createServer((request, response) => {
  const isOurs = request.url?.startsWith('/sign-in/');
  if (isOurs) signInPage(request, response).catch((error) => fail(response, error));
  else answer(request, response);
}).listen(setup.port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

async function configuration(): Promise<Configuration> {
  const on = { enabled: true };
  return {
    clients: [...setup.clients],
    jwks: { keys: await Promise.all(ALGORITHMS.map(makeKey)) },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      introspection: '/introspect',
    },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: {
      openid: ['sub', 'sid', 'auth_time', 'acr', 'amr'],
      profile: ['name'],
      email: ['email', 'email_verified'],
    },
    enabledJWA: {
      idTokenSigningAlgValues: [...ALGORITHMS],
      clientAuthSigningAlgValues: [...ALGORITHMS],
      dPoPSigningAlgValues: [...ALGORITHMS],
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: on,
      clientCredentials: on,
      deviceFlow: on,
      dPoP: on,
      introspection: on,
      pushedAuthorizationRequests: on,
      resourceIndicators: { ...on, useGrantedResource: () => true, getResourceServerInfo },
      revocation: on,
      rpInitiatedLogout: on,
    },
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: false }),
    }),
    loadExistingGrant,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: ACCESS_TOKEN_TTL,
      ClientCredentials: ACCESS_TOKEN_TTL,
      AuthorizationCode: 60,
      IdToken: 3600,
      Interaction: 3600,
      Session: 1_209_600,
      Grant: 7_776_000,
      RefreshToken: 604_800,
    },
  };
}

async function makeKey(alg: (typeof ALGORITHMS)[number]) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg };
}

function getResourceServerInfo(_ctx: unknown, identifier: string) {
  const found = setup.resources.find((each) => each.identifier === identifier);
  if (!found) throw new errors.InvalidTarget();
  const { scopes, token_format: format, signing_alg: alg } = found;
  return {
    scope: scopes.join(' '),
    audience: identifier,
    accessTokenTTL: ACCESS_TOKEN_TTL,
    accessTokenFormat: format,
    ...(alg ? { jwt: { sign: { alg: alg as 'RS256' } } } : {}),
  };
}

/** Nobody is asked for consent: the first request of a session makes the grant. */
async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, provider: own } = ctx.oidc;
  const clientId = client?.clientId ?? '';
  const grantId = session?.grantIdFor(clientId);
  if (grantId) return own.Grant.find(grantId);
  const grant = new own.Grant({ clientId, accountId: session?.accountId ?? '' });
  grant.addOIDCScope(String(ctx.oidc.params?.scope));
  await grant.save();
  return grant;
}

async function signInPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') return finish(request, response);
  const { uid } = await provider.interactionDetails(request, response);
  const html = `<!doctype html><title>Sign in</title>
<form method="post" action="/sign-in/${uid}/prove/password">
<input name="email"><input name="password" type="password"><button>Sign in</button></form>`;
  response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': html.length });
  response.end(html);
}

async function finish(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const fields = new URLSearchParams(await text(request));
  const email = fields.get('email') ?? '';
  const right = await argon2.verify(hashes.get(email) ?? '', fields.get('password') ?? '');
  if (!right) throw new Error('a wrong password');
  await provider.interactionFinished(request, response, { login: { accountId: email } });
}

function fail(response: ServerResponse, error: Error): void {
  response.writeHead(500, { 'Content-Length': Buffer.byteLength(error.message) });
  response.end(error.message);
}
