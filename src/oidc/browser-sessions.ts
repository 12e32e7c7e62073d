// The library's session of a browser, for pages that stand beside the protocol.
import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { ACCOUNT_CALLBACK, ACCOUNT_CLIENT_ID } from './configuration.ts';
import type { SessionModel } from './types.ts';

export interface BrowserSession {
  readonly uid: string;
  readonly accountId: string;
  readonly generation: number;
  /** Milliseconds. */
  readonly seenAt: number;
}

export interface BrowserSessions {
  /** The session whose cookie this browser sends, if somebody is signed in. */
  find(ctx: Context): Promise<BrowserSession | undefined>;
  /** Takes the cookie back. */
  forget(ctx: Context): void;
  /** An authorization request of our own client, which comes back to the account pages. */
  signInUrl(): string;
  signedOutUrl(): string;
}

export function createBrowserSessions(
  { issuer }: Pick<Config, 'issuer'>,
  provider: () => Provider,
): BrowserSessions {
  return {
    find: async (ctx) => {
      const found: unknown = await provider().Session.get(ctx as never);
      const { uid, accountId, generation = 0, seenAt = 0 } = found as SessionModel;
      return accountId === undefined ? undefined : { uid, accountId, generation, seenAt };
    },
    forget: (ctx) => {
      ctx.cookies.set(provider().cookieName('session'), null, { path: '/', httpOnly: true });
    },
    signInUrl: () => {
      const url = new URL(provider().urlFor('authorization'));
      url.search = new URLSearchParams(signInParameters(issuer)).toString();
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
    // The code is never redeemed: nobody knows the verifier of this challenge.
    code_challenge: randomBytes(32).toString('base64url'),
    code_challenge_method: 'S256',
  };
}
