// Checks redirect URIs again before each answer, because an operator can remove one at any time.
import { errors } from 'oidc-provider';
import type { ClientModel, Ctx } from './types.ts';

/** Whether an answer may go to the client's redirect URI. The device flow has none. */
export function mayAnswer(client: ClientModel, uri: unknown): boolean {
  return typeof uri !== 'string' || client.redirectUriAllowed(uri);
}

/**
 * Shows an error page instead of redirecting. oidc-provider checks the URI when the request comes,
 * but not when it continues.
 */
export function assertMayAnswer({ oidc }: Ctx): void {
  if (!oidc.client || mayAnswer(oidc.client, oidc.params?.redirect_uri)) return;
  throw new errors.InvalidRedirectUri();
}

/** Refuses a code that went to a URI which is no longer registered: it may be stolen. */
export function assertCodeWasForUs({ oidc }: Ctx): void {
  if (!oidc.client || mayAnswer(oidc.client, oidc.params?.redirect_uri)) return;
  throw new errors.InvalidGrant(
    'the redirect_uri of the authorization code is no longer registered',
  );
}
