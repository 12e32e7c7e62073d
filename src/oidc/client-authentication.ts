// Authenticates an application through oidc-provider, by asking it about a token that doesn't
// exist.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Inject, InjectedResponse } from './internal-request.ts';
import type { ClientModel } from './types.ts';

export type AuthenticatedClient = ClientModel;

export type ClientAuthentication =
  | { readonly kind: 'authenticated'; readonly client: AuthenticatedClient }
  /** oidc-provider's own answer. */
  | { readonly kind: 'refused'; readonly answer: InjectedResponse };

/**
 * The assertion of RFC 7521, 4.2, or nothing beside an `Authorization` header, or only the id of a
 * public client.
 */
export interface ClientCredentials {
  readonly client_id?: string | undefined;
  readonly client_assertion?: string | undefined;
  readonly client_assertion_type?: string | undefined;
}

export type AuthenticateClient = (
  ctx: Context,
  given: ClientCredentials,
) => Promise<ClientAuthentication>;

export function createAuthenticateClient(
  provider: () => Provider,
  ask: Inject,
): AuthenticateClient {
  return async (ctx, { client_id, client_assertion, client_assertion_type }) => {
    const answer = await ask(ctx, {
      path: provider().pathFor('introspection'),
      parameters: { token: 'none', client_id, client_assertion, client_assertion_type },
      headers: { authorization: ctx.get('Authorization') || undefined },
    });
    const client = answer.oidc?.client;
    if (answer.status !== 200 || !client) return { kind: 'refused', answer };
    return { kind: 'authenticated', client };
  };
}
