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
      const hint =
        'Tokens are bound to keys at the token endpoint only: leave the header DPoP out.';
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
  const hint = 'client_id: is missing; authenticate, or name a public client that is allowed here';
  throw new ApiError(400, 'invalid_request', hint);
}

function problemOf(client: AuthenticatedClient): string | undefined {
  if (!client.first_party) {
    return 'Only first-party applications may sign people in here; send them to the sign-in page.';
  }
  if (client.clientAuthMethod === 'none' && !client.direct_sign_in) {
    return 'This application does not authenticate, and was not allowed to sign people in without.';
  }
  if (client.dpopBoundAccessTokens) {
    return 'The tokens of this application are bound to keys: the token endpoint alone does that.';
  }
  return undefined;
}
