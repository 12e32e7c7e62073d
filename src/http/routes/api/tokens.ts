// Tokens as first-party applications get them: always by asking the library's token endpoint.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { now, toIso } from '../../../lib/clock.ts';
import { type AskLibrary, type InnerAnswer, NOWHERE } from '../../../oidc/ask-library.ts';
import type { AuthenticatedClient } from '../../../oidc/client-authentication.ts';
import type { Sessions } from '../../../store/sessions.ts';

export interface TokenNeeds {
  readonly askLibrary: AskLibrary;
  readonly provider: () => Provider;
  readonly sessionTable: Sessions;
}

interface Source {
  readonly sessionUid?: string;
  readonly sid?: string;
  readonly scope?: string;
  readonly expiration: number;
}

export interface Tokens {
  /** Sets the answer. @returns whether there are tokens */
  redeem(ctx: Context, client: AuthenticatedClient, code: string): Promise<boolean>;
  refresh(ctx: Context, client: AuthenticatedClient, refreshToken: string): Promise<boolean>;
}

export function createTokens(needs: TokenNeeds): Tokens {
  const ask = async (
    ctx: Context,
    { clientId }: AuthenticatedClient,
    parameters: Readonly<Record<string, string>>,
  ) => {
    const answer = await needs.askLibrary(ctx, {
      path: needs.provider().pathFor('token'),
      parameters: { ...parameters, client_id: clientId },
      client: clientId,
    });
    if (answer.status !== 200) return false;
    ctx.body = await inOurNames(answer, needs);
    return true;
  };
  return {
    redeem: (ctx, client, code) =>
      ask(ctx, client, { grant_type: 'authorization_code', code, redirect_uri: NOWHERE }),
    refresh: (ctx, client, refreshToken) =>
      ask(ctx, client, { grant_type: 'refresh_token', refresh_token: refreshToken }),
  };
}

async function inOurNames({ body, oidc }: InnerAnswer, { sessionTable }: TokenNeeds) {
  const entities = oidc?.entities as Readonly<Record<string, Source | undefined>> | undefined;
  const refresh = entities?.RefreshToken;
  const source = refresh ?? entities?.AuthorizationCode;
  const uid = source?.sessionUid;
  const session = uid === undefined ? undefined : await sessionTable.find(uid, now());
  return {
    token: body.access_token,
    ...(refresh
      ? { refreshToken: body.refresh_token, refresh_expires_in: refresh.expiration }
      : {}),
    ...(body.id_token ? { id_token: body.id_token } : {}),
    token_type: body.token_type,
    expires_in: body.expires_in,
    scope: source?.scope ?? body.scope ?? '',
    session: session ? { id: source?.sid, expires_at: toIso(session.expiresAt) } : null,
  };
}
