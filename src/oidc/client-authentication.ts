// Who an application is, as the library finds it out: asked about a token that does not exist.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Inject, InjectedResponse } from './internal-request.ts';
import type { ClientModel } from './types.ts';

export type AuthenticatedClient = ClientModel;

export type ClientAuthentication =
  | { readonly kind: 'authenticated'; readonly client: AuthenticatedClient }
  /** The library's own answer. */
  | { readonly kind: 'refused'; readonly answer: InjectedResponse };

/** As in RFC 7521, 4.2; or an `Authorization` header; or a public client's id alone. */
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
