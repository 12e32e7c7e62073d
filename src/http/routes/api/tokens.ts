// Tokens in the names that first-party applications read.
import { toIso } from '../../../lib/clock.ts';
import type { IssuedTokens } from '../../../oidc/first-party-tokens.ts';

export function tokensInJson({ refresh, session, idToken, ...tokens }: IssuedTokens) {
  return {
    token: tokens.accessToken,
    token_type: tokens.tokenType,
    expires_in: tokens.expiresIn,
    ...(refresh ? { refreshToken: refresh.token, refresh_expires_in: refresh.expiresIn } : {}),
    ...(idToken ? { id_token: idToken } : {}),
    scope: tokens.scope,
    session: session ? { id: session.id, expires_at: toIso(session.expiresAt) } : null,
  };
}
