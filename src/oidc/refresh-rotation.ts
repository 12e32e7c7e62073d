// When a refresh token is replaced, and what a second use of a replaced one means.
import { type ClientModel, type Ctx, clientIn } from './types.ts';
import { workOf } from './work.ts';

/** Per cent of its life after which any refresh token is replaced, so that active families go on. */
const WORN_OUT = 70;

/**
 * Only a stolen token of a public client can be used by whoever stole it (RFC 9700, 4.14.2), and
 * web servers that refresh in parallel lose a rotating one. So tokens of clients that authenticate,
 * and tokens bound to a key, are kept until they are worn out.
 */
export function rotates(ctx: Ctx): boolean {
  const { RefreshToken: token } = ctx.oidc.entities;
  const client = clientIn(ctx);
  // A replaced token that came again gets a token of its own.
  if (workOf(ctx)?.isReused) return true;
  if (client.rotate_refresh_tokens ?? isBare(client, token?.jkt)) return true;
  return token !== undefined && token.ttlPercentagePassed() >= WORN_OUT;
}

/** @param jkt thumbprint of the key that the client has bound the token to (DPoP) */
function isBare({ clientAuthMethod }: ClientModel, jkt: string | undefined): boolean {
  return clientAuthMethod === 'none' && jkt === undefined;
}
