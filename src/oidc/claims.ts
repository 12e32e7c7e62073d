// The claims about a person, in ID tokens, at userinfo and in access tokens.

import type Provider from 'oidc-provider';
import type {
  AccessToken,
  AccountClaims,
  AuthorizationCode,
  Claims,
  ClientCredentials,
  DeviceCode,
  RefreshToken,
} from 'oidc-provider';
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
import type { ClientExtras } from './client-extras.ts';
import { type AccountModel, type Ctx, scopeIn } from './types.ts';

interface AccountNeeds {
  readonly config: Pick<Config, 'attributes'>;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
}

/** Finds active accounts only: for any other account, tokens and sessions stop working. */
export function createFindAccount(accounts: Accounts, needs: AccountNeeds) {
  const { passwords, mfa } = needs;
  const attributes = allAttributes(needs.config);
  return async (ctx: Ctx, id: string): Promise<AccountModel | undefined> => {
    const account = await accounts.find(id);
    if (account?.status !== 'active') return undefined;
    const passwordDue = passwords.isDue(account, now());
    const enrolmentDue = mfa.isDue(account, now());
    const addressRefused = !mayComeFrom(account, currentRequest().address);
    const lacksRole = !hasRole(account, ctx.oidc?.client?.require_role);
    const isDue = passwordDue || enrolmentDue || addressRefused || lacksRole;
    // A refresh can't show a page: `invalid_grant` makes the application send the person to one.
    if (isDue && isRefresh(ctx)) return undefined;
    return {
      accountId: account.id,
      generation: account.generation,
      passwordDue,
      enrolmentDue,
      addressRefused,
      hasRole: (role) => hasRole(account, role),
      isNamed: (hint) => isNamed(account, hint),
      // All claims: oidc-provider picks those that scopes and consent release.
      claims: async (use, _scope, asked = {}) => {
        const claims = { ...claimsOf(account, attributes), sub: account.id };
        return use === 'id_token' && isMinimal(ctx) ? onlyAsked(claims, asked) : claims;
      },
    };
  };
}

/** A hint that is neither an email nor an id, such as a user name, fits everybody. */
function isNamed({ id, email }: Account, hint: string): boolean {
  if (isEmail(hint)) return normalizedEmail(hint) === normalizedEmail(email);
  return !hint.startsWith(PERSON) || hint === id;
}

function isRefresh({ oidc }: Ctx): boolean {
  return oidc?.route === 'token' && oidc.params?.grant_type === 'refresh_token';
}

function isMinimal({ oidc }: Ctx): boolean {
  return oidc?.client?.minimal_id_token === true;
}

function onlyAsked({ sub, ...claims }: AccountClaims, asked: object): AccountClaims {
  const named = Object.entries(claims).filter(([name]) => Object.hasOwn(asked, name));
  return { sub, ...Object.fromEntries(named) };
}

/** The claims in JWTs of a resource whose configuration names none. */
const USUAL: readonly string[] = ['email', 'name'];

type IssuedToken = AccessToken | ClientCredentials;

/** RFC 9068, 2.2.1 and 2.2.2: how the person signed in and, if granted, who they are. */
export function createExtraTokenClaims(
  config: Pick<Config, 'issuer' | 'resources' | 'attributes'>,
) {
  return async (ctx: Ctx, token: IssuedToken): Promise<Record<string, unknown> | undefined> => {
    if (token.kind !== 'AccessToken' || token.resourceServer?.accessTokenFormat !== 'jwt') {
      return undefined;
    }
    const { entities } = ctx.oidc;
    const source = entities.AuthorizationCode ?? entities.RefreshToken ?? entities.DeviceCode;
    const asked = scopeIn(ctx);
    const scopes = source?.scopes ?? new Set<string>();
    // A refresh may ask for less than what was granted.
    const wanted = [...scopes].filter((scope) => asked?.split(' ').includes(scope) ?? true);
    const granted = entities.Grant?.getOIDCScopeFiltered(new Set(wanted)).split(' ') ?? [];
    const person: Record<string, unknown> =
      (await entities.Account?.claims('userinfo', '', {}, [])) ?? {};
    const names = claimsFor(token.aud, config).filter((claim) =>
      granted.includes(scopeOf(config, claim) ?? ''),
    );
    const said = names.filter((name) => person[name] !== undefined);
    const claims = Object.fromEntries(said.map((name) => [name, person[name]]));
    return { ...signInOf(source), ...inOwnNames(claims, ctx.oidc.client) };
  };
}

function claimsFor(aud: unknown, config: Pick<Config, 'issuer' | 'resources'>): readonly string[] {
  return allResources(config).find(({ identifier }) => identifier === aud)?.claims ?? USUAL;
}

type TokenSource = AuthorizationCode | RefreshToken | DeviceCode;

function signInOf({ acr, amr, authTime, sid }: Partial<TokenSource> = {}) {
  return { acr, amr, auth_time: authTime, sid };
}

type OwnNames = Pick<ClientExtras, 'roles_claim' | 'groups_claim'>;

/** Renames roles and groups to what the application calls them. */
function inOwnNames<T extends Readonly<Record<string, unknown>>>(
  claims: T,
  { roles_claim = 'roles', groups_claim = 'groups' }: OwnNames = {},
): Record<string, unknown> {
  const { roles, groups, ...others } = claims;
  return {
    ...others,
    ...(roles === undefined ? {} : { [roles_claim]: roles }),
    ...(groups === undefined ? {} : { [groups_claim]: groups }),
  };
}

/** Applies the application's own claim names in ID tokens and at userinfo. */
export function nameClaims(provider: Provider): void {
  const { prototype } = provider.Claims;
  const { result } = prototype;
  prototype.result = async function named(this: Claims) {
    return inOwnNames(await result.call(this), this.client);
  };
}
