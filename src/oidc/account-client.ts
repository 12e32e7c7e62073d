// The built-in first-party client of the account pages: public, and always registered.
import type Provider from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { isOwnCall } from './client-admission.ts';
import type { CurrentContext } from './types.ts';

export const ACCOUNT_CLIENT_ID = 'gatehouse-account';
export const ACCOUNT_CALLBACK = '/account/callback';

export function accountClient({ issuer, product }: Pick<Config, 'issuer' | 'product'>) {
  return {
    client_id: ACCOUNT_CLIENT_ID,
    client_name: `${product.name} account`,
    token_endpoint_auth_method: 'none' as const,
    redirect_uris: [`${issuer}${ACCOUNT_CALLBACK}`],
    first_party: true,
  };
}

/**
 * Hides the client wherever clients call endpoints themselves. It only sends people to sign in, so
 * a call in its name comes from somebody who started a sign-in with a PKCE challenge of their own
 * and saw its code.
 */
export function refuseAccountClient(provider: Provider, current: CurrentContext): void {
  const Model = provider.Client;
  const find = Model.find;
  Model.find = async (id) =>
    id === ACCOUNT_CLIENT_ID && isOwnCall(current()) ? undefined : find.call(Model, id);
}
