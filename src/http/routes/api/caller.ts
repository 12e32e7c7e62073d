// Which application calls, and whether people may give their password to it.
import type { Context } from 'koa';
import type {
  AuthenticateClient,
  AuthenticatedClient,
  ClientCredentials,
} from '../../../oidc/client-authentication.ts';
import { ApiError, refusalOfLibrary } from './refusal.ts';

export interface CallerNeeds {
  readonly authenticateClient: AuthenticateClient;
  /** For callers that name none; none when empty. */
  readonly defaultClientId: string;
}

export type FindCaller = (ctx: Context, given: ClientCredentials) => Promise<AuthenticatedClient>;

/** Throws the refusal. */
export function createFindCaller(needs: CallerNeeds): FindCaller {
  return async (ctx, given) => {
    if (ctx.get('DPoP')) {
      const hint = 'Only the token endpoint binds tokens to keys. Remove the DPoP header.';
      throw new ApiError(400, 'invalid_request', hint);
    }
    const found = await needs.authenticateClient(ctx, withDefault(ctx, given, needs));
    if (found.kind === 'refused') throw refusalOfLibrary(found.answer);
    const { client } = found;
    const problem = problemOf(client);
    if (problem) throw new ApiError(403, 'client_not_allowed', problem);
    return client;
  };
}

function withDefault(
  ctx: Context,
  given: ClientCredentials,
  { defaultClientId }: CallerNeeds,
): ClientCredentials {
  const isNamed = given.client_id ?? given.client_assertion ?? ctx.get('Authorization');
  if (isNamed) return given;
  if (defaultClientId) return { client_id: defaultClientId };
  const hint = "client_id: is missing; authenticate, or name a public client that's allowed here";
  throw new ApiError(400, 'invalid_request', hint);
}

function problemOf(client: AuthenticatedClient): string | undefined {
  if (!client.first_party) {
    return 'Only first-party applications can sign people in here. Send people to the sign-in page instead.';
  }
  if (client.clientAuthMethod === 'none' && !client.direct_sign_in) {
    return "This application doesn't authenticate, and isn't registered to sign people in without authenticating.";
  }
  if (client.dpopBoundAccessTokens) {
    return "This application's tokens are bound to keys, which only the token endpoint supports.";
  }
  return undefined;
}
