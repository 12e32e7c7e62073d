// ID tokens that come back as a hint, also when the key that signed them has been retired.
import { compactVerify, decodeJwt, decodeProtectedHeader, type JWK } from 'jose';
import type Provider from 'oidc-provider';
import type { ClientModel } from './types.ts';

/**
 * OpenID Connect RP-Initiated Logout 1.0, 2: a hint is good after it has expired. People sign out
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

/** Undefined for what is no token: the library says so. */
function kidOf(jwt: string): string | undefined {
  try {
    return decodeProtectedHeader(jwt).kid;
  } catch {
    return undefined;
  }
}

/** As the library validates any hint; expiry does not count there, either. */
async function validateOld(jwt: string, key: JWK, client: ClientModel, issuer: string) {
  const algorithms = [client.idTokenSignedResponseAlg ?? []].flat();
  const { protectedHeader: header } = await compactVerify(jwt, key, { algorithms });
  const payload = decodeJwt(jwt);
  const isOurs = payload.iss === issuer && payload.aud === client.clientId;
  if (!isOurs || typeof payload.sub !== 'string') throw new Error('no hint for this client');
  return { header, payload };
}
