// Speaks OpenID Connect with the provider: the one module to read to learn how a sign-in works.
import * as oidc from 'openid-client';
import { now } from '../lib/clock.ts';
import { createDiscovery } from './discovery.ts';
import type { DemoOptions } from './options.ts';
import { problem } from './problems.ts';

export interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface SignedIn {
  readonly idToken: string;
  readonly claims: oidc.IDToken;
  readonly userinfo: oidc.UserInfoResponse | undefined;
  readonly scope: string;
  readonly accessTokenExpiresAt: number | undefined;
  readonly refreshToken: string | undefined;
}

export interface Provider {
  begin(): Promise<{ url: URL; pending: Pending }>;
  finish(querystring: string, pending: Pending): Promise<SignedIn>;
  refresh(current: SignedIn): Promise<SignedIn>;
  endSessionUrl(idToken: string): Promise<URL | undefined>;
}

type Tokens = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;

const scope = 'openid profile email';

export function createProvider(options: DemoOptions): Provider {
  const discovery = createDiscovery(options);
  const redirectUri = `${options.baseUrl}/callback`;

  return {
    // Fresh, as a browser sent to a provider that is down shows nothing that explains it.
    async begin() {
      return authorizationRequest(await discovery.fresh(), redirectUri);
    },
    async finish(querystring, pending) {
      // The registered address and not the one of the request, whose Host header anyone can set.
      const answer = new URL(`${redirectUri}?${querystring}`);
      return exchangeCode(await discovery.cached(), answer, pending);
    },
    async refresh(current) {
      return exchangeRefreshToken(await discovery.cached(), current);
    },
    async endSessionUrl(idToken) {
      return endSessionRequest(await discovery.fresh(), idToken, `${options.baseUrl}/`);
    },
  };
}

async function authorizationRequest(configuration: oidc.Configuration, redirectUri: string) {
  const pending: Pending = {
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    verifier: oidc.randomPKCECodeVerifier(),
  };
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
  });
  return { url, pending };
}

async function exchangeCode(
  configuration: oidc.Configuration,
  answer: URL,
  pending: Pending,
): Promise<SignedIn> {
  const tokens = await oidc.authorizationCodeGrant(configuration, answer, {
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    pkceCodeVerifier: pending.verifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (tokens.id_token === undefined || claims === undefined) {
    throw problem(502, 'The provider sent no ID token.');
  }
  const userinfo = await readUserinfo(configuration, tokens, claims);
  return { idToken: tokens.id_token, claims, userinfo, ...facts(tokens, scope) };
}

async function exchangeRefreshToken(
  configuration: oidc.Configuration,
  current: SignedIn,
): Promise<SignedIn> {
  if (current.refreshToken === undefined) throw problem(400, 'This app has no refresh token.');
  const tokens = await oidc.refreshTokenGrant(configuration, current.refreshToken);
  const claims = tokens.claims() ?? current.claims;
  assertSameSignIn(current.claims, claims);
  const refreshToken = tokens.refresh_token ?? current.refreshToken;
  const idToken = tokens.id_token ?? current.idToken;
  const userinfo = await readUserinfo(configuration, tokens, claims);
  return { idToken, claims, userinfo, ...facts(tokens, current.scope), refreshToken };
}

// Name and address are not in the ID token: the access token fetches them (OpenID Connect Core 5.4).
async function readUserinfo(
  configuration: oidc.Configuration,
  tokens: Tokens,
  { sub }: oidc.IDToken,
): Promise<oidc.UserInfoResponse | undefined> {
  if (configuration.serverMetadata().userinfo_endpoint === undefined) return undefined;
  return oidc.fetchUserInfo(configuration, tokens.access_token, sub);
}

// OpenID Connect Core 12.2: a refreshed ID token must be about the same sign-in.
function assertSameSignIn(before: oidc.IDToken, after: oidc.IDToken): void {
  const isSame =
    after.sub === before.sub &&
    after.auth_time === before.auth_time &&
    (after.nonce === undefined || after.nonce === before.nonce);
  if (!isSame) throw problem(502, 'The refreshed ID token is about another sign-in.');
}

function endSessionRequest(
  configuration: oidc.Configuration,
  idToken: string,
  returnTo: string,
): URL | undefined {
  if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
  return oidc.buildEndSessionUrl(configuration, {
    id_token_hint: idToken,
    post_logout_redirect_uri: returnTo,
  });
}

function facts(tokens: Tokens, requestedScope: string) {
  const seconds = tokens.expiresIn();
  return {
    scope: tokens.scope ?? requestedScope,
    accessTokenExpiresAt: seconds === undefined ? undefined : now() + seconds * 1000,
    refreshToken: tokens.refresh_token,
  };
}
