// Tokens for sign-ins without pages: always by asking the library's token endpoint.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Session, Sessions } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import { type AskLibrary, type InnerAnswer, NOWHERE } from './ask-library.ts';

interface Needs {
  readonly log: Log;
  readonly store: Store;
  readonly askLibrary: AskLibrary;
  readonly provider: () => Provider;
  readonly sessionTable: Sessions;
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
export interface DirectTokens {
  redeem(ctx: Context, clientId: string, code: string): Promise<IssuedTokens | undefined>;
  refresh(ctx: Context, clientId: string, refreshToken: string): Promise<IssuedTokens | undefined>;
}

interface Source {
  readonly sessionUid?: string;
  readonly sid?: string;
  readonly scope?: string;
  readonly expiresWithSession?: boolean;
  readonly expiration: number;
}

export function createDirectTokens(needs: Needs): DirectTokens {
  const ask = async (
    ctx: Context,
    client: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<IssuedTokens | undefined> => {
    const answer = await needs.askLibrary(ctx, {
      path: needs.provider().pathFor('token'),
      parameters: { ...parameters, client_id: client },
      client,
    });
    return answer.status === 200 ? read(answer, needs) : undefined;
  };
  return {
    redeem: (ctx, client, code) =>
      ask(ctx, client, { grant_type: 'authorization_code', code, redirect_uri: NOWHERE }),
    refresh: (ctx, client, refreshToken) =>
      ask(ctx, client, { grant_type: 'refresh_token', refresh_token: refreshToken }),
  };
}

interface Body {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope?: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
}

async function read({ body, oidc }: InnerAnswer, needs: Needs): Promise<IssuedTokens> {
  const answer = body as unknown as Body;
  const entities = oidc?.entities as unknown as Readonly<Record<string, Source | undefined>>;
  const refresh = entities?.RefreshToken;
  const source = refresh ?? entities?.AuthorizationCode;
  const { refresh_token: token } = answer;
  const session = await findSession(source, needs);
  return {
    accessToken: answer.access_token,
    tokenType: answer.token_type,
    expiresIn: answer.expires_in,
    scope: source?.scope ?? answer.scope ?? '',
    idToken: answer.id_token,
    refresh: refresh && token ? { token, expiresIn: lifeOf(refresh, session) } : undefined,
    session,
  };
}

/** It ends with its session, unless it is to outlive it. */
function lifeOf({ expiration, expiresWithSession }: Source, session: IssuedTokens['session']) {
  if (!expiresWithSession || !session) return expiration;
  return Math.min(expiration, Math.floor((session.expiresAt - now()) / 1000));
}

async function findSession({ sessionUid: uid, sid }: Partial<Source> = {}, needs: Needs) {
  const found = uid === undefined ? undefined : await needs.sessionTable.find(uid, now());
  if (!found || sid === undefined) return undefined;
  // One of a browser is seen where its cookie is, and nowhere else.
  if (found.origin?.clientId !== undefined) await keepAwake(found, needs);
  return { id: sid, expiresAt: found.expiresAt };
}

/** Nothing but these calls ever sees it: they keep it from looking idle. */
async function keepAwake({ uid }: Session, { store, sessionTable, log }: Needs): Promise<void> {
  const seen = sessionTable.update(uid, { seenAt: now() });
  // The tokens are made, and what they were made from is spent: they must not be lost by this.
  await store.commit([seen]).catch((err: unknown) => {
    log.warn({ err }, 'a session is in use, and could not be marked so');
  });
}
