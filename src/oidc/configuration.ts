// The configuration of oidc-provider, from ours.
import type { JWK } from 'jose';
import { type Configuration, errors } from 'oidc-provider';
import { z } from 'zod';
import type { Config, Resource } from '../config/schema.ts';
import type { AccountsDomain } from '../domain/accounts.ts';
import { ACR_VALUES } from '../domain/assurance.ts';
import type { Granted } from '../domain/consents.ts';
import type { Mfa } from '../domain/mfa.ts';
import type { PasswordPolicy } from '../domain/passwords/policy.ts';
import { allResources, OIDC_SCOPES, ownApi } from '../domain/resources.ts';
import type { SessionsDomain } from '../domain/sessions.ts';
import { normalRange } from '../lib/addresses.ts';
import { nowSeconds } from '../lib/clock.ts';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import type { Vault } from '../lib/vault.ts';
import type { ServiceAccounts } from '../store/service-accounts.ts';
import { CLAIMS, createExtraTokenClaims, createFindAccount } from './claims.ts';
import { createLoadExistingGrant, type GrantNeeds } from './grants.ts';
import { createLibraryFetch } from './library-fetch.ts';
import { createPageSources, type ProviderPages } from './pages.ts';
import { createPolicy } from './policy.ts';
import { type ClientExtras, type Ctx, mayAskFor } from './types.ts';

export interface ConfigurationNeeds {
  readonly config: Config;
  readonly vault: Vault;
  readonly keys: readonly JWK[];
  readonly accounts: AccountsDomain;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
  readonly sessions: SessionsDomain;
  readonly grants: GrantNeeds;
  readonly pages: ProviderPages;
  readonly serviceAccounts: Pick<ServiceAccounts, 'find'>;
  readonly adapter: NonNullable<Configuration['adapter']>;
}

/** The client of the account pages: first-party, public, made by nobody and gone for nobody. */
export const ACCOUNT_CLIENT_ID = 'gatehouse-account';
export const ACCOUNT_CALLBACK = '/account/callback';
export const SIGN_IN_PATH = '/sign-in';

/** What clients carry beside the registered names, and what each may be. */
const EXTRA_METADATA: Record<keyof ClientExtras, z.ZodType> = {
  first_party: z.boolean(),
  require_pkce: z.boolean(),
  require_acr: z.enum(ACR_VALUES),
  trusted_devices: z.boolean(),
  direct_sign_in: z.boolean(),
  allowed_scopes: z.string(),
  resources: z.array(z.url()),
  allowed_addresses: z.array(z.string().refine((text) => normalRange(text) !== undefined)),
  disabled: z.boolean(),
};

function checkExtra(_ctx: unknown, name: string, value: unknown): void {
  const shape = EXTRA_METADATA[name as keyof ClientExtras];
  if (value === undefined || shape.safeParse(value).success) return;
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
  const configuration = {
    adapter: needs.adapter,
    jwks: { keys: keys.map((key) => ({ ...key })) },
    clients: [accountClient(config)],
    routes: ROUTES,
    cookies: cookies(config, vault),
    scopes: [...OIDC_SCOPES],
    claims: CLAIMS,
    acrValues: [...ACR_VALUES],
    responseTypes: ['code'],
    subjectTypes: ['public'],
    // Digests of secrets cannot make HMACs, so neither client_secret_jwt nor HS256 are there.
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: enabledAlgorithms(),
    extraClientMetadata: { properties: Object.keys(EXTRA_METADATA), validator: checkExtra },
    clockTolerance: 5,
    assertJwtClientAuthClaimsAndHeader: assertShortLived,
    allowOmittingSingleRegisteredRedirectUri: false,
    features: features(config, sources, needs.serviceAccounts),
    interactions: {
      policy: createPolicy(sessions),
      url: (_ctx: unknown, interaction: { uid: string }) => `${SIGN_IN_PATH}/${interaction.uid}`,
    },
    findAccount: createFindAccount(accounts, needs),
    loadExistingGrant: createLoadExistingGrant(needs.grants),
    extraTokenClaims: createExtraTokenClaims(),
    renderError: sources.renderError,
    clientBasedCORS: isOwnOrigin,
    pkce: { required: isPkceRequired },
    expiresWithSession: (_ctx: unknown, source: { scopes: Set<string> }) =>
      !source.scopes.has('offline_access'),
    issueRefreshToken: (_ctx: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: lifetimes(config),
    fetch: createLibraryFetch(config.outgoing),
  };
  return configuration as unknown as Configuration;
}

function accountClient({ issuer, product }: Config) {
  return {
    client_id: ACCOUNT_CLIENT_ID,
    client_name: `${product.name} account`,
    token_endpoint_auth_method: 'none' as const,
    redirect_uris: [`${issuer}${ACCOUNT_CALLBACK}`],
    first_party: true,
  };
}

/** Names follow the issuer alone: `__Host-` where it is https, none on http://localhost. */
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
  config: Config,
  sources: ReturnType<typeof createPageSources>,
  serviceAccounts: ConfigurationNeeds['serviceAccounts'],
) {
  const on = { enabled: true };
  const { userCodeInputSource, userCodeConfirmSource, successSource } = sources;
  const { logoutSource, postLogoutSuccessSource } = sources;
  const device = { charset: 'base-20', mask: '****-****' };
  return {
    devInteractions: { enabled: false },
    backchannelLogout: on,
    clientCredentials: on,
    deviceFlow: { ...on, ...device, userCodeInputSource, userCodeConfirmSource, successSource },
    dPoP: on,
    introspection: { ...on, allowedPolicy: createMayIntrospect(serviceAccounts) },
    pushedAuthorizationRequests: on,
    resourceIndicators: resourceIndicators(config),
    revocation: { ...on, allowedPolicy: mayRevoke },
    rpInitiatedLogout: { ...on, logoutSource, postLogoutSuccessSource },
  };
}

/** Access tokens for an API: JWTs (RFC 9068) unless the resource says otherwise. */
function resourceIndicators(config: Config) {
  const resources = new Map(allResources(config).map((each) => [each.identifier, each]));
  return {
    enabled: true,
    // Client credentials without a resource are for our own API (RFC 8707, 2.2 leaves it to us).
    defaultResource: async (ctx: Ctx, client: unknown, oneOf?: string[]) => {
      assertMayAsk(ctx, client as ClientExtras);
      return oneOf ?? (isClientCredentials(ctx) ? ownApi(config) : undefined);
    },
    // A resource named at the authorization endpoint counts, with `openid` too.
    useGrantedResource: async () => true,
    getResourceServerInfo: async (ctx: Ctx, identifier: string, client: unknown) => {
      assertMayAsk(ctx, client as ClientExtras);
      const resource = resources.get(identifier);
      const { resources: allowed, allowed_scopes: scopes } = client as ClientExtras;
      if (!resource || (allowed && !allowed.includes(identifier))) throw new errors.InvalidTarget();
      const info = serverInfo(config, resource, scopes?.split(' '));
      if (isClientCredentials(ctx)) assertMachine(ctx, client as LibraryClient, info.scope);
      return info;
    },
  };
}

/** The library has no word for a client that may ask about nobody. */
function assertMayAsk({ oidc }: Ctx, client: ClientExtras): void {
  const asked = String(oidc.params?.scope ?? '').split(' ');
  const tooMuch = asked.find((scope) => OIDC_SCOPES.includes(scope) && !mayAskFor(client, scope));
  if (tooMuch) throw new errors.InvalidScope('requested scope is not allowed', tooMuch);
}

function isClientCredentials(ctx: Ctx): boolean {
  return ctx.oidc.route === 'token' && ctx.oidc.params?.grant_type === 'client_credentials';
}

/** Nobody is asked here who could allow less: a machine learns that it asks for too much. */
function assertMachine({ oidc }: Ctx, { clientAuthMethod }: LibraryClient, known: string): void {
  if (clientAuthMethod === 'none') {
    throw new errors.UnauthorizedClient('a public client cannot act for itself');
  }
  const scopes = known.split(' ');
  const missing = String(oidc.params?.scope ?? '')
    .split(' ')
    .filter((scope) => scope && !scopes.includes(scope));
  if (missing.length === 0) return;
  const description = 'a scope is not known here, or this client may not ask for it';
  throw new errors.InvalidScope(description, missing.join(' '));
}

/** Every scope of OpenID and of every resource. */
export function everythingIn(config: Config): Granted {
  const resources = allResources(config).map(({ identifier, scopes }) => [identifier, scopes]);
  return { scopes: OIDC_SCOPES, claims: [], resources: Object.fromEntries(resources) };
}

function serverInfo(config: Config, resource: Resource, allowed: string[] | undefined) {
  const scopes = resource.scopes.filter((scope) => allowed?.includes(scope) ?? true);
  return {
    scope: scopes.join(' '),
    audience: resource.identifier,
    accessTokenTTL: config.ttl.access_token,
    accessTokenFormat: resource.token_format,
    ...(resource.token_format === 'jwt' ? { jwt: { sign: { alg: resource.signing_alg } } } : {}),
  };
}

interface LibraryClient extends ClientExtras {
  readonly clientId: string;
  readonly clientAuthMethod: string;
  readonly redirectUris?: readonly string[];
}

function isPkceRequired(_ctx: unknown, client: LibraryClient): boolean {
  return client.clientAuthMethod === 'none' || client.require_pkce !== false;
}

/** Seconds. */
const LONGEST_ASSERTION = 3600;

/** Each is remembered until it expires: that cannot be for ever. */
async function assertShortLived(_ctx: unknown, { exp }: { readonly exp: number }): Promise<void> {
  if (exp <= nowSeconds() + LONGEST_ASSERTION) return;
  throw new errors.InvalidClientAuth('the assertion expires later than an hour from now');
}

/** Browsers may call from the origins to which the client's answers go anyway. */
function isOwnOrigin(_ctx: unknown, origin: string, client: LibraryClient): boolean {
  // Installed applications have no origin, and neither has a sandboxed page: `null` is nobody's.
  if (origin === 'null') return false;
  return (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin);
}

// A public client proves nothing by its id: it may ask about its own tokens only.
function createMayIntrospect({ find }: ConfigurationNeeds['serviceAccounts']) {
  return async (ctx: Ctx, client: LibraryClient, { clientId }: { clientId: string }) => {
    if (clientId === client.clientId) return true;
    if (client.clientAuthMethod === 'none') return false;
    // Tokens of whoever is gone or disabled are as good as gone, too.
    if (clientId.startsWith(SERVICE_ACCOUNT)) return (await find(clientId))?.status === 'active';
    return (await ctx.oidc.provider.Client.find(clientId)) !== undefined;
  };
}

async function mayRevoke(_ctx: unknown, client: LibraryClient, token: { clientId: string }) {
  if (token.clientId === client.clientId) return true;
  if (client.clientAuthMethod === 'none') return false;
  throw new errors.InvalidRequest('client is not authorized to revoke the presented token');
}

interface RefreshTokenModel {
  readonly iiat: number;
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
    RefreshToken: (_ctx: unknown, token: RefreshTokenModel) => {
      const familyEnds = token.iiat + ttl.offline_family;
      return Math.max(1, Math.min(ttl.refresh_token, familyEnds - nowSeconds()));
    },
  };
}
