// When a refresh token is replaced.
import { type ClientModel, type Ctx, clientIn } from './types.ts';
import { workOf } from './work.ts';

/**
 * Percent of its life after which any refresh token is replaced, so that active families continue.
 */
const WORN_OUT = 70;

/**
 * Keeps the tokens of clients that authenticate, and tokens bound to a key, until they are worn
 * out. Only the tokens of a public client can be used by a thief (RFC 9700, 4.14.2), and web
 * servers that refresh in parallel lose rotating ones.
 */
export function rotates(ctx: Ctx): boolean {
  const { RefreshToken: token } = ctx.oidc.entities;
  const client = clientIn(ctx);
  // A reused token gets a successor of its own.
  if (workOf(ctx)?.isReused) return true;
  if (client.rotate_refresh_tokens ?? isBare(client, token?.jkt)) return true;
  return token !== undefined && token.ttlPercentagePassed() >= WORN_OUT;
}

/** @param jkt thumbprint of the key that the client has bound the token to (DPoP) */
function isBare({ clientAuthMethod }: ClientModel, jkt: string | undefined): boolean {
  return clientAuthMethod === 'none' && jkt === undefined;
}
