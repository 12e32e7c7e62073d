// Scopes, claims and what a token says of its person.

import type { Accounts } from '../domain/accounts/accounts.ts';
import { mayComeFrom } from '../domain/accounts/allowed-addresses.ts';
import { isEmail, normalizedEmail } from '../domain/accounts/emails.ts';
import type { Mfa } from '../domain/accounts/mfa.ts';
import type { PasswordPolicy } from '../domain/passwords/policy.ts';
import { now } from '../lib/clock.ts';
import { PERSON } from '../lib/ids.ts';
import { currentRequest } from '../lib/request-context.ts';
import type { Account } from '../store/accounts.ts';
import type { Ctx } from './types.ts';

/** Scope → claims. Every ID token says when, how and in which session the person signed in. */
export const CLAIMS = {
  openid: ['sub', 'sid', 'auth_time', 'acr', 'amr'],
  profile: ['name'],
  email: ['email', 'email_verified'],
};

/** An account in the shape of the library, with the generation that our Checks compare. */
export interface LibraryAccount {
  readonly accountId: string;
  readonly generation: number;
  /** Its password is not known to meet the policy in force: it must be seen at a sign-in. */
  readonly passwordDue: boolean;
  /** Its grace is over, and it has no second factor. */
  readonly enrolmentDue: boolean;
  /** It is not used from the network that this request comes from. */
  readonly addressRefused: boolean;
  /** Whether a `login_hint` means this account: its email, in any spelling, or its id. */
  isNamed(hint: string): boolean;
  claims(): Promise<{ sub: string; [claim: string]: unknown }>;
}

/** Finds active accounts only: for any other, tokens and sessions are as good as gone. */
interface DueNeeds {
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
}

export function createFindAccount(accounts: Accounts, { passwords, mfa }: DueNeeds) {
  return async (ctx: unknown, id: string): Promise<LibraryAccount | undefined> => {
    const account = await accounts.find(id);
    if (account?.status !== 'active') return undefined;
    const passwordDue = passwords.isDue(account, now());
    const enrolmentDue = mfa.isDue(account, now());
    const addressRefused = !mayComeFrom(account, currentRequest().address);
    const isDue = passwordDue || enrolmentDue || addressRefused;
    // A refresh has no page to ask on: `invalid_grant` sends the person to one.
    if (isDue && isRefresh(ctx as Ctx)) return undefined;
    return {
      accountId: account.id,
      generation: account.generation,
      passwordDue,
      enrolmentDue,
      addressRefused,
      isNamed: (hint) => isNamed(account, hint),
      claims: async () => ({ sub: account.id, ...personOf(account) }),
    };
  };
}

/** A hint of another kind, such as the user name at the application, names nobody. */
function isNamed({ id, email }: Account, hint: string): boolean {
  if (isEmail(hint)) return normalizedEmail(hint) === normalizedEmail(email);
  return !hint.startsWith(PERSON) || hint === id;
}

function isRefresh({ oidc }: Ctx): boolean {
  return oidc?.route === 'token' && oidc.params?.grant_type === 'refresh_token';
}

function personOf({ email, emailVerified, name }: Account) {
  return { email, email_verified: emailVerified, ...(name ? { name } : {}) };
}

interface TokenSource {
  readonly scopes?: Set<string>;
  readonly acr?: string;
  readonly amr?: string[];
  readonly authTime?: number;
  readonly sid?: string;
}

interface IssuedToken {
  readonly kind: string;
  readonly accountId?: string;
  readonly resourceServer?: { readonly accessTokenFormat?: string };
}

/** RFC 9068, 2.2.1 and 2.2.2: how the person signed in, and who it is where that was granted. */
export function createExtraTokenClaims() {
  return async (ctx: Ctx, token: unknown): Promise<Record<string, unknown> | undefined> => {
    const { accountId, resourceServer } = token as IssuedToken;
    if (!accountId || resourceServer?.accessTokenFormat !== 'jwt') return undefined;
    const { entities } = ctx.oidc;
    const source = (entities.AuthorizationCode ?? entities.RefreshToken ?? entities.DeviceCode) as
      | TokenSource
      | undefined;
    const asked = ctx.oidc.params?.scope as string | undefined;
    const scopes = source?.scopes ?? new Set<string>();
    // A refresh may ask for less than was granted.
    const wanted = [...scopes].filter((scope) => asked?.split(' ').includes(scope) ?? true);
    const granted = entities.Grant?.getOIDCScopeFiltered(new Set(wanted)).split(' ') ?? [];
    const person = (await entities.Account?.claims('userinfo', '', {}, [])) ?? {};
    return { ...signInOf(source), ...pickGranted(person, granted) };
  };
}

function signInOf({ acr, amr, authTime, sid }: TokenSource = {}) {
  return { acr, amr, auth_time: authTime, sid };
}

function pickGranted(person: Record<string, unknown>, granted: readonly string[]) {
  return {
    ...(granted.includes('email') ? { email: person.email } : {}),
    ...(granted.includes('profile') && person.name ? { name: person.name } : {}),
  };
}
