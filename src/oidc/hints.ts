// Accepts ID token hints whose signing key has been retired.
import { compactVerify, decodeJwt, decodeProtectedHeader, type JWK } from 'jose';
import type Provider from 'oidc-provider';
import type { ClientModel } from './types.ts';

/**
 * A hint stays valid after it expires (OpenID Connect RP-Initiated Logout 1.0, 2). People sign out
 * days later, when the key is long gone from the JWKS.
 */
export function acceptOldHints(provider: Provider, retired: readonly JWK[]): void {
  const Model = provider.IdToken;
  const validate = Model.validate;
  Model.validate = async (jwt, client) => {
    const key = retired.find(({ kid }) => kid === kidOf(jwt));
    if (!key) return validate.call(Model, jwt, client);
    return validateOld(jwt, key, client, provider.issuer);
  };
}

/** Undefined if it isn't a JWT: oidc-provider refuses it. */
function kidOf(jwt: string): string | undefined {
  try {
    return decodeProtectedHeader(jwt).kid;
  } catch {
    return undefined;
  }
}

/** Validates a hint as oidc-provider does, which ignores its expiry, too. */
async function validateOld(jwt: string, key: JWK, client: ClientModel, issuer: string) {
  const algorithms = [client.idTokenSignedResponseAlg ?? []].flat();
  const { protectedHeader: header } = await compactVerify(jwt, key, { algorithms });
  const payload = decodeJwt(jwt);
  const isOurs = payload.iss === issuer && payload.aud === client.clientId;
  if (!isOurs || typeof payload.sub !== 'string') throw new Error('no hint for this client');
  return { header, payload };
}
