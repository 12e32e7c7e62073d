// When a refresh token is replaced, and what a second use of a replaced one means.
import type { ClientExtras, Ctx } from './types.ts';
import { workOf } from './work.ts';

/** Per cent of its life after which any refresh token is replaced, so that active families go on. */
const WORN_OUT = 70;

interface RotatingClient extends ClientExtras {
  readonly clientAuthMethod: string;
}

interface UsedToken {
  /** Thumbprint of the key that a public client has bound it to (DPoP). */
  readonly jkt?: string | undefined;
  ttlPercentagePassed(): number;
}

/**
 * Only a stolen token of a public client can be used by whoever stole it (RFC 9700, 4.14.2), and
 * web servers that refresh in parallel lose a rotating one. So tokens of clients that authenticate,
 * and tokens bound to a key, are kept until they are worn out.
 */
export function rotates(ctx: Ctx): boolean {
  const token = ctx.oidc.entities.RefreshToken as unknown as UsedToken;
  const client = ctx.oidc.client as unknown as RotatingClient;
  // A replaced token that came again gets a token of its own.
  if (workOf(ctx)?.isReused) return true;
  if (client.rotate_refresh_tokens ?? isBare(client, token)) return true;
  return token.ttlPercentagePassed() >= WORN_OUT;
}

function isBare({ clientAuthMethod }: RotatingClient, { jkt }: UsedToken): boolean {
  return clientAuthMethod === 'none' && jkt === undefined;
}
