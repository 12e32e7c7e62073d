// The client of the account pages: first-party, public, made by nobody and gone for nobody.
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
 * It sends people to sign in and calls nothing itself: what comes in its name at the token endpoint
 * is from somebody who has begun a sign-in with a challenge of his own, and seen its code.
 */
export function refuseAccountClient(provider: Provider, current: CurrentContext): void {
  const Model = provider.Client;
  const find = Model.find;
  Model.find = async (id) =>
    id === ACCOUNT_CLIENT_ID && isOwnCall(current()) ? undefined : find.call(Model, id);
}
