// Looks at DPoP proofs (RFC 9449, 4.3): whoever sends a bound token must hold its key.
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose';

export interface Use {
  readonly proof: string;
  readonly token: string;
  /** Thumbprint of the key in the token. */
  readonly boundTo: string;
  readonly method: string;
  /** The address of the request as the client knows it, without query. */
  readonly address: string;
}

/** The proof is not good: 401. */
export class InvalidProof extends Error {}

export type CheckProof = (use: Use) => Promise<void>;

export const PROOF_ALGORITHMS = ['ES256', 'EdDSA', 'PS256', 'RS256'];

/** Seconds. */
const LONGEST_AGE = 60;
const CLOCKS_MAY_DIFFER = 5;

export function createCheckProof(): CheckProof {
  const isNew = createMemory();
  return async (use) => {
    const { payload, thumbprint } = await verify(use.proof);
    const problem = problemOf(payload, thumbprint, use);
    if (problem) throw new InvalidProof(problem);
    // Last: what is refused for another reason is not spent.
    if (!isNew(`${thumbprint} ${payload.jti}`)) throw new InvalidProof('sent before');
  };
}

async function verify(proof: string) {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: PROOF_ALGORITHMS,
      maxTokenAge: LONGEST_AGE,
      clockTolerance: CLOCKS_MAY_DIFFER,
      requiredClaims: ['jti', 'htm', 'htu', 'ath'],
    });
    const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk as object);
    return { payload, thumbprint };
  } catch (error) {
    throw new InvalidProof((error as Error).message);
  }
}

function problemOf(claims: JWTPayload, thumbprint: string, use: Use): string | undefined {
  const digest = createHash('sha256').update(use.token).digest('base64url');
  if (thumbprint !== use.boundTo) return 'another key than that of the token';
  if (claims.ath !== digest) return 'made for another token';
  if (claims.htm !== use.method) return 'made for another method';
  if (withoutQuery(claims.htu) !== use.address) return 'made for another address';
  return undefined;
}

function withoutQuery(address: unknown): string | undefined {
  const url = URL.parse(String(address));
  return url ? `${url.origin}${url.pathname}` : undefined;
}

/** In this process alone: several of them need a store that they share. */
function createMemory(): (id: string) => boolean {
  const seen = new Map<string, number>();
  return (id) => {
    const now = Date.now();
    for (const [old, until] of seen) if (until < now) seen.delete(old);
    if (seen.has(id)) return false;
    seen.set(id, now + (LONGEST_AGE + 2 * CLOCKS_MAY_DIFFER) * 1000);
    return true;
  };
}
