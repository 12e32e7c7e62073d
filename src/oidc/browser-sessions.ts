// The browser's oidc-provider session, for pages outside the protocol.
import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import type { Acr } from '../domain/sessions/assurance.ts';
import { defined } from '../lib/narrow.ts';
import { ACCOUNT_CALLBACK, ACCOUNT_CLIENT_ID } from './account-client.ts';
import { cookieNames, forgetSession } from './cookies.ts';

export interface BrowserSession {
  readonly uid: string;
  readonly accountId: string;
  readonly generation: number;
  readonly acr: string | undefined;
  /** Seconds: when the newest proof was given. */
  readonly provedAt: number;
  /** Milliseconds. */
  readonly seenAt: number;
}

/** What our own client requests in an authorization request. */
export interface Wish {
  readonly acr?: Acr;
  /** Seconds. */
  readonly maxAge?: number;
  /** Comes back with the answer. */
  readonly state?: string;
  readonly loginHint?: string;
}

export interface BrowserSessions {
  /** The session of this browser's cookie, if somebody is signed in. */
  find(ctx: Context): Promise<BrowserSession | undefined>;
  /** Removes the cookie. */
  forget(ctx: Context): void;
  /**
   * The address of an authorization request by our own client, which leads back to the account
   * pages.
   */
  signInUrl(wish?: Wish): string;
  signedOutUrl(): string;
}

export function createBrowserSessions(
  { issuer }: Pick<Config, 'issuer'>,
  provider: () => Provider,
): BrowserSessions {
  return {
    find: async (ctx) => {
      const session = await provider().Session.get(ctx);
      const { uid, accountId, generation = 0, acr, loginTs = 0, seenAt = 0 } = session;
      if (accountId === undefined) return undefined;
      return { uid, accountId, generation, acr, provedAt: loginTs, seenAt };
    },
    forget: (ctx) => forgetSession(ctx, cookieNames(issuer).session),
    signInUrl: (wish = {}) => {
      const url = new URL(provider().urlFor('authorization'));
      const parameters = { ...signInParameters(issuer), ...parametersOf(wish) };
      url.search = new URLSearchParams(parameters).toString();
      return url.href;
    },
    signedOutUrl: () => provider().urlFor('end_session_success'),
  };
}

function signInParameters(issuer: string): Record<string, string> {
  return {
    client_id: ACCOUNT_CLIENT_ID,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${issuer}${ACCOUNT_CALLBACK}`,
    // Nobody can redeem the code: the verifier isn't kept, and the token endpoint knows no such
    // client.
    code_challenge: randomBytes(32).toString('base64url'),
    code_challenge_method: 'S256',
  };
}

function parametersOf({ acr, maxAge, state, loginHint }: Wish): Record<string, string> {
  return defined({ acr_values: acr, max_age: maxAge?.toString(), state, login_hint: loginHint });
}
