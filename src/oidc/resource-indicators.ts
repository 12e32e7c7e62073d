// Access tokens for APIs (RFC 8707): which resources a client may name, and the format of the
// tokens.
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Config, Resource } from '../config/schema.ts';
import { claimsByScope, personScopes } from '../domain/attributes/attributes.ts';
import { allResources, ownApi } from '../domain/clients/resources.ts';
import type { Consents, Granted } from '../domain/consents/consents.ts';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import { mayAskFor } from './allowed-scopes.ts';
import type { ClientExtras } from './client-extras.ts';
import { type ClientModel, type Ctx, type CurrentContext, clientIn } from './types.ts';

type FindConsent = Pick<Consents, 'find'>;

/** Tokens are JWTs (RFC 9068) unless the resource says otherwise. */
export function createResourceIndicators(config: Config, consents: FindConsent) {
  const resources = new Map(allResources(config).map((each) => [each.identifier, each]));
  const own = ownApi(config);
  const scopes = personScopes(config);
  return {
    enabled: true,
    // Without a resource, client credentials get a token for our own API (RFC 8707, 2.2 leaves that
    // to the server).
    defaultResource: async (ctx: Ctx, client: ClientModel, oneOf?: readonly string[]) => {
      assertMayAsk(ctx, client, scopes);
      return oneOf ?? (isClientCredentials(ctx) ? own : undefined);
    },
    // A resource named at the authorization endpoint counts, even with `openid`.
    useGrantedResource: async () => true,
    getResourceServerInfo: async (ctx: Ctx, identifier: string, client: ClientModel) => {
      assertMayAsk(ctx, client, scopes);
      const resource = resources.get(identifier);
      if (!resource) throw new errors.InvalidTarget('the resource is not configured');
      const isDefault = isClientCredentials(ctx) && identifier === own;
      assertRegistered(client, identifier, isDefault);
      await assertConsented(ctx, client, identifier, consents);
      const info = serverInfo(config, resource, client.allowed_scopes?.split(' '));
      if (isClientCredentials(ctx)) assertMayActForItself(ctx, client, info.scope);
      return info;
    },
  };
}

/**
 * Throws for scopes about people that the client may not ask for: oidc-provider can't limit these
 * to none.
 */
function assertMayAsk({ oidc }: Ctx, client: ClientExtras, scopes: readonly string[]): void {
  const asked = String(oidc.params?.scope ?? '').split(' ');
  const tooMuch = asked.find((scope) => scopes.includes(scope) && !mayAskFor(client, scope));
  if (tooMuch) throw new errors.InvalidScope('requested scope is not allowed', tooMuch);
}

function isClientCredentials(ctx: Ctx): boolean {
  return ctx.oidc.route === 'token' && ctx.oidc.params?.grant_type === 'client_credentials';
}

/**
 * Throws for scopes that are unknown or not allowed: without a person who could allow less, the
 * client must learn that it asks for too much.
 */
function assertMayActForItself(
  { oidc }: Ctx,
  { clientAuthMethod }: ClientModel,
  known: string,
): void {
  if (clientAuthMethod === 'none') {
    throw new errors.UnauthorizedClient('a public client cannot act for itself');
  }
  const scopes = known.split(' ');
  const missing = String(oidc.params?.scope ?? '')
    .split(' ')
    .filter((scope) => scope && !scopes.includes(scope));
  if (missing.length === 0) return;
  const description = 'unknown scope, or not allowed for this client';
  throw new errors.InvalidScope(description, missing.join(' '));
}

/** @param isDefault the resource that client credentials get if they name none */
function assertRegistered(client: ClientModel, identifier: string, isDefault: boolean): void {
  const { clientId, first_party: isFirstParty, resources } = client;
  // A service account's own list was checked with its assertion.
  if (clientId.startsWith(SERVICE_ACCOUNT)) return;
  if (resources?.includes(identifier)) return;
  if (resources === undefined && (isFirstParty || isDefault)) return;
  throw new errors.InvalidTarget('the resource is not registered for this client');
}

/** Checks the consent at the token endpoint, where no person can be asked. */
async function assertConsented(
  { oidc }: Ctx,
  client: ClientModel,
  identifier: string,
  consents: FindConsent,
): Promise<void> {
  const { accountId } = oidc.account ?? {};
  if (oidc.route !== 'token' || !accountId || client.first_party) return;
  const granted = await consents.find(accountId, client.clientId);
  if (isResourceGranted(granted, identifier)) return;
  throw new errors.InvalidTarget('the person has not allowed this resource');
}

function isResourceGranted(granted: Granted | undefined, identifier: string): boolean {
  return granted !== undefined && Object.hasOwn(granted.resources, identifier);
}

/**
 * Whether a third party names a resource that the person hasn't allowed, with or without scopes.
 */
export async function lacksResource(ctx: Ctx, consents: FindConsent): Promise<boolean> {
  const { resourceServers, session } = ctx.oidc;
  const { clientId, first_party: isFirstParty } = clientIn(ctx);
  const named = Object.keys(resourceServers ?? {});
  if (isFirstParty || named.length === 0) return false;
  const granted = await consents.find(session?.accountId ?? '', clientId);
  return named.some((identifier) => !isResourceGranted(granted, identifier));
}

/**
 * Lets clients name new resources at the token endpoint, which oidc-provider wouldn't accept.
 * Registration and consent are checked wherever a resource is named.
 */
export function openTokenEndpoint(provider: Provider, current: CurrentContext): void {
  const { AuthorizationCode, RefreshToken, DeviceCode } = provider;
  for (const { prototype } of [AuthorizationCode, RefreshToken, DeviceCode]) {
    Object.defineProperty(prototype, 'resourceIndicators', {
      get(this: { readonly resource?: string | string[] }) {
        const named = [this.resource ?? []].flat();
        return new Set([...named, current()?.oidc.params?.resource]);
      },
    });
  }
}

/** Every scope about people, every resource with its scopes, and every claim. */
export function everythingIn(config: Config): Granted {
  const resources = allResources(config).map(({ identifier, scopes }) => [identifier, scopes]);
  return {
    scopes: personScopes(config),
    claims: Object.values(claimsByScope(config)).flat(),
    resources: Object.fromEntries(resources),
  };
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
