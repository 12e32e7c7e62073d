// Tokens for sign-ins without pages: always by asking the library's token endpoint.
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
  /** `sid` of the tokens; undefined where they have outlived it. */
  readonly session: { readonly id: string; readonly expiresAt: number } | undefined;
}

/** For an application that has proved itself. Undefined: what it sent is good for nothing. */
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

/** It ends with its session, unless it is to outlive it. */
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
 * Nothing but these calls ever sees such a session: they keep it from looking idle. One of a browser
 * is seen where its cookie is, and nowhere else.
 */
function keepAwake({ uid, origin }: Session, { sessionTable }: Needs): Unit {
  if (origin?.clientId === undefined) return [];
  // Tokens that outlive their session are not refused because it has ended a moment ago.
  const { expectRows: _mustHit, ...seen } = sessionTable.update(uid, { seenAt: now() });
  return [seen];
}
