// Translates Gatehouse's configuration into that of oidc-provider.
import type { JWK } from 'jose';
import type { Configuration } from 'oidc-provider';
import type { Accounts } from '../../domain/accounts/accounts.ts';
import type { Mfa } from '../../domain/accounts/mfa.ts';
import { claimsByScope, personScopes } from '../../domain/attributes/attributes.ts';
import type { PasswordPolicy } from '../../domain/passwords/policy.ts';
import { ACR_VALUES } from '../../domain/sessions/assurance.ts';
import type { Sessions } from '../../domain/sessions/sessions.ts';
import type { Vault } from '../../lib/vault.ts';
import { FIRST_VISIT, SIGN_IN_PATH } from '../../web/paths.ts';
import { accountClient } from '../account-client.ts';
import type { BrowserBinding } from '../browser-binding.ts';
import { createExtraTokenClaims, createFindAccount } from '../claims.ts';
import { CLOCK_TOLERANCE, createAssertClientAssertion } from '../client-assertions.ts';
import { EXTRA_CLIENT_METADATA } from '../client-extras.ts';
import { cookieNames, SESSION_COOKIE, SIGNED } from '../cookies.ts';
import { createLoadExistingGrant, type GrantNeeds } from '../grants.ts';
import { createLibraryFetch } from '../library-fetch.ts';
import { createRenderError } from '../pages/errors.ts';
import { createPolicy } from '../policy.ts';
import { rotates } from '../refresh-rotation.ts';
import { ROUTES } from '../routes.ts';
import type { ClientModel } from '../types.ts';
import { isClientOrigin } from './cors.ts';
import { createFeatures, type FeatureNeeds } from './features.ts';
import { createLifetimes } from './lifetimes.ts';

export interface ConfigurationNeeds extends FeatureNeeds {
  readonly vault: Vault;
  readonly keys: readonly JWK[];
  readonly accounts: Accounts;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
  readonly sessions: Sessions;
  readonly grants: GrantNeeds;
  readonly browserBinding: BrowserBinding;
  readonly adapter: NonNullable<Configuration['adapter']>;
}

export function createConfiguration(needs: ConfigurationNeeds): Configuration {
  const { config, keys, accounts, sessions, pages, grants } = needs;
  return {
    adapter: needs.adapter,
    jwks: { keys: keys.map((key) => ({ ...key })) },
    clients: [accountClient(config)],
    routes: ROUTES,
    cookies: cookies(needs),
    scopes: [...personScopes(config)],
    claims: claimsByScope(config),
    conformIdTokenClaims: false,
    acrValues: [...ACR_VALUES],
    responseTypes: ['code'],
    subjectTypes: ['public'],
    // Secrets are stored as digests, which rules out HMACs: no client_secret_jwt, no HS256.
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: algorithms(),
    extraClientMetadata: EXTRA_CLIENT_METADATA,
    clockTolerance: CLOCK_TOLERANCE,
    assertJwtClientAuthClaimsAndHeader: createAssertClientAssertion(config, ROUTES.token),
    allowOmittingSingleRegisteredRedirectUri: false,
    features: createFeatures(needs),
    interactions: {
      policy: createPolicy(sessions, grants.consents),
      url: (ctx, { uid }) =>
        `${SIGN_IN_PATH}/${uid}${needs.browserBinding.begin(ctx).isNew ? FIRST_VISIT : ''}`,
    },
    findAccount: createFindAccount(accounts, needs),
    loadExistingGrant: createLoadExistingGrant(grants),
    extraTokenClaims: createExtraTokenClaims(config),
    renderError: createRenderError(pages),
    clientBasedCORS: isClientOrigin,
    pkce: { required: isPkceRequired },
    expiresWithSession: (_ctx, { scopes }) => !scopes.has('offline_access'),
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: rotates,
    ttl: createLifetimes(config),
    fetch: createLibraryFetch(config.outgoing),
  };
}

function cookies({ config, vault }: ConfigurationNeeds): NonNullable<Configuration['cookies']> {
  const { session, interaction, resume } = cookieNames(config.issuer);
  return {
    names: { session, interaction, resume },
    keys: [...vault.cookieKeys],
    long: SESSION_COOKIE,
    short: SIGNED,
  };
}

function algorithms(): NonNullable<Configuration['enabledJWA']> {
  const signing = ['RS256', 'ES256', 'EdDSA', 'Ed25519', 'PS256'] as const;
  return {
    clientAuthSigningAlgValues: [...signing],
    idTokenSigningAlgValues: [...signing],
    dPoPSigningAlgValues: [...signing],
  };
}

function isPkceRequired(_ctx: unknown, client: ClientModel): boolean {
  return client.clientAuthMethod === 'none' || client.require_pkce !== false;
}
