// Gets the tokens of sign-ins without pages from oidc-provider's token endpoint, in-process.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { AuthorizationCode, RefreshToken } from 'oidc-provider';
import { now } from '../lib/clock.ts';
import { textOf } from '../lib/narrow.ts';
import type { Session, SessionTable } from '../store/sessions.ts';
import type { Unit } from '../store/statement.ts';
import { INTERNAL_REDIRECT_URI, type Inject, type InjectedResponse } from './internal-request.ts';
import type { Ctx } from './types.ts';

interface Needs {
  readonly inject: Inject;
  readonly provider: () => Provider;
  readonly sessionTable: SessionTable;
}

export interface IssuedTokens {
  readonly accessToken: string;
  readonly tokenType: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly scope: string;
  readonly idToken: string | undefined;
  readonly refresh: { readonly token: string; readonly expiresIn: number } | undefined;
  /** The session, with the `sid` of the tokens; undefined if they outlived it. */
  readonly session: { readonly id: string; readonly expiresAt: number } | undefined;
}

/** For an authenticated application. Undefined if the code or token isn't valid. */
export interface FirstPartyTokens {
  redeem(ctx: Context, clientId: string, code: string): Promise<IssuedTokens | undefined>;
  refresh(ctx: Context, clientId: string, refreshToken: string): Promise<IssuedTokens | undefined>;
}

type Source = RefreshToken | AuthorizationCode;

export function createFirstPartyTokens(needs: Needs): FirstPartyTokens {
  const ask = async (
    ctx: Context,
    client: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<IssuedTokens | undefined> => {
    let session: Session | undefined;
    const answer = await needs.inject(ctx, {
      path: needs.provider().pathFor('token'),
      parameters: { ...parameters, client_id: client },
      client,
      alongside: async (oidc) => {
        session = await findSession(sourceOf(oidc), needs);
        return session ? keepAwake(session, needs) : [];
      },
    });
    return answer.status === 200 ? read(answer, session) : undefined;
  };
  return {
    redeem: (ctx, client, code) =>
      ask(ctx, client, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: INTERNAL_REDIRECT_URI,
      }),
    refresh: (ctx, client, refreshToken) =>
      ask(ctx, client, { grant_type: 'refresh_token', refresh_token: refreshToken }),
  };
}

function read({ body, oidc }: InjectedResponse, found: Session | undefined): IssuedTokens {
  const source = sourceOf(oidc);
  const refresh = oidc?.entities.RefreshToken;
  const token = textOf(body.refresh_token);
  const sid = source?.sid;
  const session = found && sid ? { id: sid, expiresAt: found.expiresAt } : undefined;
  return {
    accessToken: String(body.access_token),
    tokenType: String(body.token_type),
    expiresIn: Number(body.expires_in),
    scope: source?.scope ?? textOf(body.scope) ?? '',
    idToken: textOf(body.id_token),
    refresh: refresh && token ? { token, expiresIn: lifeOf(refresh, session) } : undefined,
    session,
  };
}

function sourceOf(oidc: Ctx['oidc'] | undefined): Source | undefined {
  return oidc?.entities.RefreshToken ?? oidc?.entities.AuthorizationCode;
}

/** The token's remaining seconds, unless its session ends earlier and takes it along. */
function lifeOf({ expiration, expiresWithSession }: Source, session: IssuedTokens['session']) {
  if (!expiresWithSession || !session) return expiration;
  return Math.min(expiration, Math.floor((session.expiresAt - now()) / 1000));
}

async function findSession(
  { sessionUid: uid }: Pick<Source, 'sessionUid'> = {},
  { sessionTable }: Needs,
) {
  return uid === undefined ? undefined : sessionTable.find(uid, now());
}

/**
 * Keeps the session from looking idle, because only these calls use it. A browser's session counts
 * as used only when the browser sends its cookie.
 */
function keepAwake({ uid, origin }: Session, { sessionTable }: Needs): Unit {
  if (origin?.clientId === undefined) return [];
  // Tokens that outlive their session stay valid if it has just ended, so this may hit no row.
  const { expectRows: _mustHit, ...seen } = sessionTable.update(uid, { seenAt: now() });
  return [seen];
}
