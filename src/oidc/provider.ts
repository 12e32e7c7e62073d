// Builds the Provider over our stores, and replaces a few of its parts.
import type { Middleware } from 'koa';
import Provider, { type TokenEndpointGrantContext } from 'oidc-provider';
import { personScopes } from '../domain/attributes/attributes.ts';
import type { Audit } from '../domain/audit/audit.ts';
import type { KeyRing } from '../domain/keys/keys.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Log } from '../lib/log.ts';
import type { ProveCode } from '../service-accounts/codes.ts';
import type { ServiceAccountTable } from '../service-accounts/table.ts';
import type { AccountTable } from '../store/accounts.ts';
import type { ArtifactTable } from '../store/artifacts.ts';
import type { ClientTable } from '../store/clients.ts';
import type { ConsentTable } from '../store/consents.ts';
import type { SessionTable } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import { refuseAccountClient } from './account-client.ts';
import { createAdapterFactory } from './adapter.ts';
import { REDIRECTING, type ResponseMode } from './answers.ts';
import { nameUnregisteredGrants } from './answers-in-words.ts';
import { recordTokens } from './audit-events.ts';
import type { BrowserBinding } from './browser-binding.ts';
import { nameClaims } from './claims.ts';
import { createAdmit } from './client-admission.ts';
import { createCountWrongSecret, createLookUpUserCode } from './client-attempts.ts';
import { installClientKeys } from './client-keys.ts';
import { createClientSource, installClientModel } from './clients.ts';
import { type ConfigurationNeeds, createConfiguration } from './configuration/configuration.ts';
import { installGrantModel } from './grants.ts';
import { acceptOldHints } from './hints.ts';
import { installInteractionModel } from './interactions.ts';
import { createJwtBearer, type GrantHandler, PARAMETERS } from './jwt-bearer.ts';
import { type SendBackchannelLogout, takeOverBackchannelLogout } from './logout-tokens.ts';
import { createCountOpenRequest, type OpenRequestNeeds } from './open-requests.ts';
import { createFormPost } from './pages/form-post.ts';
import { assertCodeWasForUs } from './redirect-uris.ts';
import { noteRefusals } from './refusals.ts';
import { installReplayDetection } from './replay-detection.ts';
import { tolerateBlanks } from './request-parameters.ts';
import { everythingIn, openTokenEndpoint } from './resource-indicators.ts';
import { JWT_BEARER } from './service-account-client.ts';
import { installSessionModel } from './session-model.ts';
import { createSessionSource } from './session-source.ts';
import type { Ctx, CurrentContext } from './types.ts';

export interface ProviderNeeds
  extends Omit<ConfigurationNeeds, 'adapter' | 'grants' | 'keys' | 'serviceAccountTable'> {
  readonly keys: KeyRing;
  readonly store: Store;
  readonly tables: ProviderTables;
  readonly proveCode: ProveCode;
  readonly consents: ConfigurationNeeds['grants']['consents'];
  readonly audit: Audit;
  readonly limits: Limits;
  readonly log: Log;
  readonly browserBinding: BrowserBinding;
  readonly knownBrowserOf: OpenRequestNeeds['knownBrowserOf'];
}

export interface ProviderTables {
  readonly accountTable: AccountTable;
  readonly artifactTable: ArtifactTable;
  readonly clientTable: ClientTable;
  readonly consentTable: ConsentTable;
  readonly sessionTable: SessionTable;
  readonly serviceAccountTable: ServiceAccountTable;
}

const current: CurrentContext = () => Provider.ctx;

/** A Provider reads its keys once: other keys need another Provider. */
export interface BuiltProvider {
  readonly provider: Provider;
  /** The Provider's middleware, for the Koa application around it. */
  readonly protocol: Middleware;
  readonly sendBackchannelLogout: SendBackchannelLogout;
}

export function buildProvider(needs: ProviderNeeds): BuiltProvider {
  const { config, store, tables, vault } = needs;
  const countOpenRequest = createCountOpenRequest(needs);
  const session = {
    countOpenRequest,
    config,
    store,
    vault,
    current,
    sessionTable: tables.sessionTable,
    accountTable: tables.accountTable,
    domain: needs.sessions,
  };
  const attempts = { limits: needs.limits, audit: needs.audit, current };
  const adapter = createAdapterFactory({
    store,
    vault,
    current,
    config,
    artifactTable: tables.artifactTable,
    clients: createClientSource(tables.clientTable, createAdmit(attempts), personScopes(config)),
    lookUpUserCode: createLookUpUserCode(attempts),
    limits: needs.limits,
    countOpenRequest,
    sessions: createSessionSource(session),
    browserBinding: needs.browserBinding,
  });
  const grants = {
    store,
    sessionTable: tables.sessionTable,
    consents: needs.consents,
    guardConsent: tables.consentTable.guard,
    everything: everythingIn(config),
  };
  const keys = needs.keys.published;
  const { serviceAccountTable } = tables;
  const made = { keys, serviceAccountTable, adapter, grants };
  const provider = withOurs(needs, createConfiguration({ ...needs, ...made }));
  installSessionModel(provider, session);
  installClientModel(provider, vault, createCountWrongSecret(attempts));
  installClientKeys(provider, { ...needs, current });
  refuseAccountClient(provider, current);
  installGrantModel(provider, config, current);
  nameClaims(provider);
  openTokenEndpoint(provider, current);
  installInteractionModel(provider);
  installReplayDetection(provider, needs);
  acceptOldHints(provider, needs.keys.retired);
  recordTokens(provider, needs.audit);
  noteRefusals(provider);
  tolerateBlanks(provider);
  nameUnregisteredGrants(provider, current);
  return {
    provider,
    protocol: mountProvider(provider),
    sendBackchannelLogout: takeOverBackchannelLogout(provider),
  };
}

/**
 * Replaces response modes and grants as oidc-provider registers them, in its constructor. Its grant
 * for client credentials also makes the tokens of our grant for assertions.
 */
function withOurs(
  needs: ProviderNeeds,
  configuration: ReturnType<typeof createConfiguration>,
): Provider {
  const ourModes: typeof REDIRECTING = { ...REDIRECTING, form_post: createFormPost(needs.pages) };
  const jwtBearer = createJwtBearer(needs);
  class Gatehouse extends Provider {
    override registerResponseMode(name: string, handler: ResponseMode): void {
      super.registerResponseMode(name, ourModes[name] ?? handler);
    }

    override registerGrantType<Params extends object>(
      name: string,
      handler: GrantHandler<TokenEndpointGrantContext<Params>>,
      ...names: Names[]
    ): void {
      const isCode = name === 'authorization_code';
      super.registerGrantType<Params>(name, isCode ? redeem(handler) : handler, ...names);
      if (name !== 'client_credentials') return;
      super.registerGrantType<Params>(JWT_BEARER, jwtBearer(handler), PARAMETERS);
    }
  }
  return new Gatehouse(needs.config.issuer, configuration);
}

/** Names of the parameters that a grant takes. */
type Names = string | readonly string[] | ReadonlySet<string> | undefined;

function redeem<C extends Ctx>(handler: GrantHandler<C>): GrantHandler<C> {
  return (ctx) => {
    assertCodeWasForUs(ctx);
    return handler(ctx);
  };
}

function mountProvider(provider: Provider): Middleware {
  return inTurn(provider.middleware);
}

/** Composes middleware: each runs around those after it. */
export function inTurn(stack: readonly Middleware[]): Middleware {
  return (ctx, next) => {
    const run = (index: number): Promise<unknown> => {
      const each = stack[index];
      return Promise.resolve(each ? each(ctx, () => run(index + 1)) : next());
    };
    return run(0);
  };
}
