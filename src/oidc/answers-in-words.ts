// Errors that oidc-provider leaves without a description, or names differently than the standard.

import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { CurrentContext } from './types.ts';

/** Read by the developer of the application, in the address that the browser comes back to. */
const SENTENCES: Readonly<Record<string, string>> = {
  request_not_supported: 'Request objects are not supported: send the parameters themselves.',
  request_uri_not_supported:
    'request_uri is taken only as the pushed authorization request endpoint returned it.',
  registration_not_supported: 'Clients are registered beforehand, not in the request.',
};

/** Adds a description to an error that has none. */
export function inWords<P extends Readonly<Record<string, unknown>>>(answer: P): P {
  const sentence = SENTENCES[String(answer.error)];
  if (sentence === undefined || answer.error_description) return answer;
  return { ...answer, error_description: sentence };
}

/** Answers `unauthorized_client` (RFC 6749, 5.2) where oidc-provider says `invalid_request`. */
export function nameUnregisteredGrants(provider: Provider, current: CurrentContext): void {
  const { prototype } = provider.Client;
  const { grantTypeAllowed } = prototype;
  prototype.grantTypeAllowed = function allowed(type) {
    const isAllowed = grantTypeAllowed.call(this, type);
    const { oidc } = current() ?? {};
    if (!isAllowed && oidc?.route === 'token' && oidc.params?.grant_type === type) {
      throw new errors.UnauthorizedClient(`the client is not registered for the grant ${type}`);
    }
    return isAllowed;
  };
}
