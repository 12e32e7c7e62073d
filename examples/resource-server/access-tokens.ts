// Looks at access tokens: JWTs of one issuer (RFC 9068), for this API alone.
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';

export interface TokenOptions {
  readonly issuer: string;
  /** Who the tokens must be for: the identifier of the resource at the issuer. */
  readonly audience: string;
  /** The algorithm that the issuer signs them with. Nothing in a token may choose another. */
  readonly algorithm: string;
}

export interface AccessToken {
  readonly subject: string;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** Thumbprint of the key that whoever uses the token must hold (RFC 9449). */
  readonly boundTo: string | undefined;
}

/** The token is not good: 401. */
export class InvalidToken extends Error {}

/** Nobody can say whether it is good: 503. */
export class KeysUnreachable extends Error {}

export type VerifyToken = (token: string) => Promise<AccessToken>;

const CLOCKS_MAY_DIFFER = 30;

export function createVerifyToken(options: TokenOptions): VerifyToken {
  const { issuer, audience, algorithm } = options;
  const keys = createKeys(issuer);
  return async (token) => {
    const get = await keys();
    try {
      const { payload } = await jwtVerify(token, get, {
        issuer,
        audience,
        // An ID token of the same issuer is no access token.
        typ: 'at+jwt',
        algorithms: [algorithm],
        requiredClaims: ['sub', 'client_id', 'exp', 'iat', 'jti'],
        clockTolerance: CLOCKS_MAY_DIFFER,
      });
      return toAccessToken(payload);
    } catch (error) {
      throw isAboutToken(error) ? new InvalidToken((error as Error).message) : unreachable(error);
    }
  };
}

/** The keys stand where discovery says. Looked up at the first use, and again if that failed. */
function createKeys(issuer: string): () => Promise<JWTVerifyGetKey> {
  let found: Promise<JWTVerifyGetKey> | undefined;
  return () => {
    found ??= discover(issuer).catch((error: unknown) => {
      found = undefined;
      throw unreachable(error);
    });
    return found;
  };
}

async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(5_000),
  });
  const metadata = (await answer.json()) as { issuer?: string; jwks_uri?: string };
  if (metadata.issuer !== issuer || !metadata.jwks_uri) {
    throw new Error(`${issuer} says that it is ${metadata.issuer}`);
  }
  // Keeps the keys for ten minutes, and loads them sooner when a token names one it does not know:
  // that is all there is to do when the issuer changes its keys.
  return createRemoteJWKSet(new URL(metadata.jwks_uri));
}

function toAccessToken({ sub, client_id: clientId, scope, cnf }: JWTPayload): AccessToken {
  const boundTo = (cnf as { jkt?: unknown } | undefined)?.jkt;
  if (cnf !== undefined && typeof boundTo !== 'string') {
    throw new errors.JWTInvalid('bound to something that this API cannot check');
  }
  return {
    subject: String(sub),
    clientId: String(clientId),
    scopes: new Set(typeof scope === 'string' ? scope.split(' ') : []),
    boundTo: boundTo as string | undefined,
  };
}

/** Of jose's errors those below are about fetching the keys. */
function isAboutToken(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false;
  return error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC';
}

function unreachable(error: unknown): KeysUnreachable {
  return new KeysUnreachable((error as Error).message, { cause: error });
}
