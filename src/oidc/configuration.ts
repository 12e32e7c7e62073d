// The configuration of oidc-provider, from ours.
import type { JWK } from 'jose';
import { type Configuration, errors, type RefreshToken } from 'oidc-provider';
import { z } from 'zod';
import type { Config } from '../config/schema.ts';
import type { Accounts } from '../domain/accounts/accounts.ts';
import type { Mfa } from '../domain/accounts/mfa.ts';
import { claimsByScope, personScopes } from '../domain/attributes/attributes.ts';
import { CLIENT_ASSERTION_AUDIENCES } from '../domain/clients/assertion-audience.ts';
import type { PasswordPolicy } from '../domain/passwords/policy.ts';
import { ACR_VALUES } from '../domain/sessions/assurance.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import { normalRange } from '../lib/addresses.ts';
import { nowSeconds } from '../lib/clock.ts';
import type { Vault } from '../lib/vault.ts';
import type { ServiceAccountTable } from '../service-accounts/table.ts';
import { FIRST_VISIT, SIGN_IN_PATH } from '../web/paths.ts';
import { accountClient } from './account-client.ts';
import type { BrowserBinding } from './browser-binding.ts';
import { createExtraTokenClaims, createFindAccount } from './claims.ts';
import { CLOCK_TOLERANCE, createAssertClientAssertion } from './client-assertions.ts';
import { createLoadExistingGrant, type GrantNeeds } from './grants.ts';
import { createLibraryFetch } from './library-fetch.ts';
import { createPageSources, type ProviderPages } from './pages.ts';
import { createPolicy } from './policy.ts';
import { rotates } from './refresh-rotation.ts';
import { createResourceIndicators } from './resource-indicators.ts';
import { createMayIntrospect, mayRevoke } from './token-holders.ts';
import type { ClientExtras, ClientModel } from './types.ts';

export interface ConfigurationNeeds {
  readonly config: Config;
  readonly vault: Vault;
  readonly keys: readonly JWK[];
  readonly accounts: Accounts;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
  readonly sessions: Sessions;
  readonly grants: GrantNeeds;
  readonly pages: ProviderPages;
  readonly serviceAccountTable: Pick<ServiceAccountTable, 'find'>;
  readonly browserBinding: BrowserBinding;
  readonly adapter: NonNullable<Configuration['adapter']>;
}

/** What clients carry beside the registered names, and what each may be. */
const EXTRA_METADATA: Record<keyof ClientExtras, z.ZodType> = {
  first_party: z.boolean(),
  require_pkce: z.boolean(),
  require_acr: z.enum(ACR_VALUES),
  require_role: z.string().min(1).max(200),
  trusted_devices: z.boolean(),
  direct_sign_in: z.boolean(),
  rotate_refresh_tokens: z.boolean(),
  minimal_id_token: z.boolean(),
  roles_claim: z.string().min(1).max(200),
  groups_claim: z.string().min(1).max(200),
  allowed_scopes: z.string(),
  resources: z.array(z.url()),
  client_assertion_audience: z.enum(CLIENT_ASSERTION_AUDIENCES),
  allowed_addresses: z.array(z.string().refine((text) => normalRange(text) !== undefined)),
  disabled: z.boolean(),
};

const SHAPES: ReadonlyMap<string, z.ZodType> = new Map(Object.entries(EXTRA_METADATA));

function checkExtra(_ctx: unknown, name: string, value: unknown): void {
  if (value === undefined || SHAPES.get(name)?.safeParse(value).success) return;
  throw new errors.InvalidClientMetadata(`${name} has a value that is not known`);
}

export const ROUTES = {
  authorization: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  introspection: '/introspect',
  revocation: '/revoke',
  end_session: '/sign-out',
  pushed_authorization_request: '/par',
  code_verification: '/device',
  device_authorization: '/device/authorize',
};

const SIGNATURES = ['RS256', 'ES256', 'EdDSA', 'Ed25519', 'PS256'] as const;

export function createConfiguration(needs: ConfigurationNeeds): Configuration {
  const { config, vault, keys, accounts, sessions, pages } = needs;
  const sources = createPageSources(pages);
  return {
    adapter: needs.adapter,
    jwks: { keys: keys.map((key) => ({ ...key })) },
    clients: [accountClient(config)],
    routes: ROUTES,
    cookies: cookies(config, vault),
    scopes: [...personScopes(config)],
    claims: claimsByScope(config),
    conformIdTokenClaims: false,
    acrValues: [...ACR_VALUES],
    responseTypes: ['code'],
    subjectTypes: ['public'],
    // Digests of secrets cannot make HMACs, so neither client_secret_jwt nor HS256 are there.
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: enabledAlgorithms(),
    extraClientMetadata: { properties: Object.keys(EXTRA_METADATA), validator: checkExtra },
    clockTolerance: CLOCK_TOLERANCE,
    assertJwtClientAuthClaimsAndHeader: createAssertClientAssertion(config, ROUTES.token),
    allowOmittingSingleRegisteredRedirectUri: false,
    features: features(needs, sources),
    interactions: {
      policy: createPolicy(sessions, needs.grants.consents),
      url: (ctx, { uid }) =>
        `${SIGN_IN_PATH}/${uid}${needs.browserBinding.begin(ctx).isNew ? FIRST_VISIT : ''}`,
    },
    findAccount: createFindAccount(accounts, needs),
    loadExistingGrant: createLoadExistingGrant(needs.grants),
    extraTokenClaims: createExtraTokenClaims(config),
    renderError: sources.renderError,
    clientBasedCORS: isOwnOrigin,
    pkce: { required: isPkceRequired },
    expiresWithSession: (_ctx, { scopes }) => !scopes.has('offline_access'),
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: rotates,
    ttl: lifetimes(config),
    fetch: createLibraryFetch(config.outgoing),
  };
}

/**
 * Names follow the issuer alone: `__Host-` where it is https, none on http://localhost. Only the
 * session's is ever set; the other two are how the library asks for a sign-in that it resumes.
 */
export function cookieNames(issuer: string) {
  const secure = issuer.startsWith('https:');
  return {
    session: `${secure ? '__Host-' : ''}gatehouse_session`,
    interaction: `${secure ? '__Secure-' : ''}gatehouse_interaction`,
    resume: `${secure ? '__Secure-' : ''}gatehouse_resume`,
  };
}

function cookies({ issuer }: Config, vault: Vault) {
  const options = { httpOnly: true, sameSite: 'lax' as const, signed: true };
  return {
    names: cookieNames(issuer),
    keys: [...vault.cookieKeys],
    long: { ...options, path: '/' },
    short: options,
  };
}

function enabledAlgorithms() {
  const signing = [...SIGNATURES];
  return {
    clientAuthSigningAlgValues: signing,
    idTokenSigningAlgValues: signing,
    dPoPSigningAlgValues: signing,
  };
}

function features(
  { config, grants, serviceAccountTable }: ConfigurationNeeds,
  sources: ReturnType<typeof createPageSources>,
) {
  const on = { enabled: true };
  const { userCodeInputSource, userCodeConfirmSource, successSource } = sources;
  const { logoutSource, postLogoutSuccessSource } = sources;
  const device = { charset: 'base-20', mask: '****-****' } as const;
  return {
    devInteractions: { enabled: false },
    backchannelLogout: on,
    claimsParameter: on,
    clientCredentials: on,
    deviceFlow: { ...on, ...device, userCodeInputSource, userCodeConfirmSource, successSource },
    dPoP: on,
    introspection: { ...on, allowedPolicy: createMayIntrospect(serviceAccountTable) },
    pushedAuthorizationRequests: on,
    resourceIndicators: createResourceIndicators(config, grants.consents),
    revocation: { ...on, allowedPolicy: mayRevoke },
    rpInitiatedLogout: { ...on, logoutSource, postLogoutSuccessSource },
  };
}

function isPkceRequired(_ctx: unknown, client: ClientModel): boolean {
  return client.clientAuthMethod === 'none' || client.require_pkce !== false;
}

/** Browsers may call from the origins to which the client's answers go anyway. */
function isOwnOrigin(_ctx: unknown, origin: string, client: ClientModel): boolean {
  // Installed applications have no origin, and neither has a sandboxed page: `null` is nobody's.
  if (origin === 'null') return false;
  return (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin);
}

function lifetimes({ ttl }: Config) {
  return {
    AccessToken: ttl.access_token,
    ClientCredentials: ttl.access_token,
    AuthorizationCode: ttl.code,
    IdToken: ttl.id_token,
    DeviceCode: ttl.device_code,
    Interaction: ttl.interaction,
    Session: ttl.session,
    // The Grant must outlive its session where offline_access was consented.
    Grant: ttl.offline_family,
    RefreshToken: (_ctx: unknown, { iiat, iat }: RefreshToken) => {
      const familyEnds = (iiat ?? iat) + ttl.offline_family;
      return Math.max(1, Math.min(ttl.refresh_token, familyEnds - nowSeconds()));
    },
  };
}
