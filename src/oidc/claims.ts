// Scopes, claims and what a token says of its person.

import type Provider from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import type { Accounts } from '../domain/accounts/accounts.ts';
import { mayComeFrom } from '../domain/accounts/allowed-addresses.ts';
import { isEmail, normalizedEmail } from '../domain/accounts/emails.ts';
import type { Mfa } from '../domain/accounts/mfa.ts';
import { hasRole } from '../domain/accounts/roles.ts';
import { allAttributes, scopeOf } from '../domain/attributes/attributes.ts';
import { claimsOf } from '../domain/attributes/claims.ts';
import { allResources } from '../domain/clients/resources.ts';
import type { PasswordPolicy } from '../domain/passwords/policy.ts';
import { now } from '../lib/clock.ts';
import { PERSON } from '../lib/ids.ts';
import { currentRequest } from '../lib/request-context.ts';
import type { Account } from '../store/accounts.ts';
import type { ClientExtras, Ctx } from './types.ts';

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
  /** Whether it may use an application that requires this role, or none. */
  hasRole(role: string | undefined): boolean;
  /** Whether a `login_hint` means this account: its email, in any spelling, or its id. */
  isNamed(hint: string): boolean;
  /**
   * What could be said; the library says of it what scopes and consent release.
   * @param asked what the `claims` parameter names for that use
   */
  claims(use: string, scope: string, asked?: object): Promise<Claims>;
}

type Claims = { readonly sub: string; readonly [claim: string]: unknown };

interface AccountNeeds {
  readonly config: Pick<Config, 'attributes'>;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
}

/** Finds active accounts only: for any other, tokens and sessions are as good as gone. */
export function createFindAccount(accounts: Accounts, needs: AccountNeeds) {
  const { passwords, mfa } = needs;
  const attributes = allAttributes(needs.config);
  return async (ctx: unknown, id: string): Promise<LibraryAccount | undefined> => {
    const account = await accounts.find(id);
    if (account?.status !== 'active') return undefined;
    const passwordDue = passwords.isDue(account, now());
    const enrolmentDue = mfa.isDue(account, now());
    const addressRefused = !mayComeFrom(account, currentRequest().address);
    const lacksRole = !hasRole(account, requiredRole(ctx as Ctx));
    const isDue = passwordDue || enrolmentDue || addressRefused || lacksRole;
    // A refresh has no page to ask on: `invalid_grant` sends the person to one.
    if (isDue && isRefresh(ctx as Ctx)) return undefined;
    return {
      accountId: account.id,
      generation: account.generation,
      passwordDue,
      enrolmentDue,
      addressRefused,
      hasRole: (role) => hasRole(account, role),
      isNamed: (hint) => isNamed(account, hint),
      claims: async (use, _scope, asked = {}) => {
        const claims = { ...claimsOf(account, attributes), sub: account.id };
        return use === 'id_token' && isMinimal(ctx as Ctx) ? onlyAsked(claims, asked) : claims;
      },
    };
  };
}

/** A hint of another kind, such as the user name at the application, names nobody. */
function isNamed({ id, email }: Account, hint: string): boolean {
  if (isEmail(hint)) return normalizedEmail(hint) === normalizedEmail(email);
  return !hint.startsWith(PERSON) || hint === id;
}

function requiredRole({ oidc }: Ctx): string | undefined {
  return (oidc?.client as ClientExtras | undefined)?.require_role;
}

function isRefresh({ oidc }: Ctx): boolean {
  return oidc?.route === 'token' && oidc.params?.grant_type === 'refresh_token';
}

function isMinimal({ oidc }: Ctx): boolean {
  return (oidc?.client as ClientExtras | undefined)?.minimal_id_token === true;
}

function onlyAsked({ sub, ...claims }: Claims, asked: object): Claims {
  const named = Object.entries(claims).filter(([name]) => Object.hasOwn(asked, name));
  return { sub, ...Object.fromEntries(named) };
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
  readonly aud?: unknown;
  readonly resourceServer?: { readonly accessTokenFormat?: string };
}

/** What JWTs of a resource say of people where its configuration names nothing else. */
const USUAL: readonly string[] = ['email', 'name'];

/** RFC 9068, 2.2.1 and 2.2.2: how the person signed in, and who it is where that was granted. */
export function createExtraTokenClaims(
  config: Pick<Config, 'issuer' | 'resources' | 'attributes'>,
) {
  return async (ctx: Ctx, token: unknown): Promise<Record<string, unknown> | undefined> => {
    const { accountId, resourceServer, aud } = token as IssuedToken;
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
    const person: Record<string, unknown> =
      (await entities.Account?.claims('userinfo', '', {}, [])) ?? {};
    const names = claimsFor(aud, config).filter((claim) =>
      granted.includes(scopeOf(config, claim) ?? ''),
    );
    const said = names.filter((name) => person[name] !== undefined);
    const claims = Object.fromEntries(said.map((name) => [name, person[name]]));
    return { ...signInOf(source), ...inOwnNames(claims, ctx.oidc.client as ClientExtras) };
  };
}

function claimsFor(aud: unknown, config: Pick<Config, 'issuer' | 'resources'>): readonly string[] {
  return allResources(config).find(({ identifier }) => identifier === aud)?.claims ?? USUAL;
}

function signInOf({ acr, amr, authTime, sid }: TokenSource = {}) {
  return { acr, amr, auth_time: authTime, sid };
}

type OwnNames = Pick<ClientExtras, 'roles_claim' | 'groups_claim'>;

/** Applications look for roles and groups under names of their own. */
function inOwnNames<T extends Readonly<Record<string, unknown>>>(
  claims: T,
  { roles_claim = 'roles', groups_claim = 'groups' }: OwnNames,
): Record<string, unknown> {
  const { roles, groups, ...others } = claims;
  return {
    ...others,
    ...(roles === undefined ? {} : { [roles_claim]: roles }),
    ...(groups === undefined ? {} : { [groups_claim]: groups }),
  };
}

interface ClaimsModel {
  readonly client: OwnNames;
  result(): Promise<Record<string, unknown>>;
}

/** In ID tokens and at userinfo. */
export function nameClaims(provider: Provider): void {
  const { prototype } = provider.Claims as unknown as { readonly prototype: ClaimsModel };
  const { result } = prototype;
  prototype.result = async function named(this: ClaimsModel) {
    return inOwnNames(await result.call(this), this.client);
  };
}
