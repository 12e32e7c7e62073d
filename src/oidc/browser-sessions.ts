// The library's session of a browser, for pages that stand beside the protocol.
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
  /** Seconds; of the newest proof. */
  readonly provedAt: number;
  /** Milliseconds. */
  readonly seenAt: number;
}

/** What an authorization request of our own client asks for. */
export interface Wish {
  readonly acr?: Acr;
  /** Seconds. */
  readonly maxAge?: number;
  /** Comes back with the answer. */
  readonly state?: string;
  readonly loginHint?: string;
}

export interface BrowserSessions {
  /** The session whose cookie this browser sends, if somebody is signed in. */
  find(ctx: Context): Promise<BrowserSession | undefined>;
  /** Takes the cookie back. */
  forget(ctx: Context): void;
  /** An authorization request of our own client, which comes back to the account pages. */
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
    // The code is never redeemed: nobody knows a verifier, and the token endpoint no such client.
    code_challenge: randomBytes(32).toString('base64url'),
    code_challenge_method: 'S256',
  };
}

function parametersOf({ acr, maxAge, state, loginHint }: Wish): Record<string, string> {
  return defined({ acr_values: acr, max_age: maxAge?.toString(), state, login_hint: loginHint });
}
