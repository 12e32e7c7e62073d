// Where answers may go is asked again later: an address can be taken from a client at any time.
import { errors } from 'oidc-provider';
import type { ClientModel, Ctx } from './types.ts';

/** Whether an answer may go to the client's address; there is none where a device waits. */
export function mayAnswer(client: ClientModel, uri: unknown): boolean {
  return typeof uri !== 'string' || client.redirectUriAllowed(uri);
}

/** The library looks when a request comes, not when it goes on: a page of ours, and no redirect. */
export function assertMayAnswer({ oidc }: Ctx): void {
  if (!oidc.client || mayAnswer(oidc.client, oidc.params?.redirect_uri)) return;
  throw new errors.InvalidRedirectUri();
}

/** A code that went to an address which is none any more is as good as stolen. */
export function assertCodeWasForUs({ oidc }: Ctx): void {
  if (!oidc.client || mayAnswer(oidc.client, oidc.params?.redirect_uri)) return;
  throw new errors.InvalidGrant(
    'the redirect_uri of the authorization code is no longer registered',
  );
}
