// A client that binds its tokens to a key (RFC 9449).
import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface DpopKey {
  /** @param token the access token that goes with the request */
  proof(method: string, url: string, token?: string): Promise<string>;
}

export async function createDpopKey(): Promise<DpopKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return {
    proof: (htm, htu, token) => {
      const ath = token && createHash('sha256').update(token).digest('base64url');
      return new SignJWT({ htm, htu, jti: randomUUID(), ...(ath ? { ath } : {}) })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey);
    },
  };
}
