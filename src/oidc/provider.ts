// Builds the library's Provider over our stores, with the few overrides it needs.
import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import type { Middleware } from 'koa';
import Provider, { type IdToken, type TokenEndpointGrantContext } from 'oidc-provider';
import { personScopes } from '../domain/attributes/attributes.ts';
import type { Audit } from '../domain/audit/audit.ts';
import type { KeyRing } from '../domain/keys/keys.ts';
import type { Limits } from '../domain/limits/limits.ts';
import { now } from '../lib/clock.ts';
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
import { artifactKey, createAdapterFactory } from './adapter.ts';
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
import { createCountOpenRequest, type OpenRequestNeeds } from './open-requests.ts';
import { createFormPost } from './pages/form-post.ts';
import { assertCodeWasForUs } from './redirect-uris.ts';
import { noteRefusals } from './refusals.ts';
import { tolerateBlanks } from './request-parameters.ts';
import { everythingIn, openTokenEndpoint } from './resource-indicators.ts';
import { JWT_BEARER } from './service-account-client.ts';
import { createSessionSource, installSessionModel } from './session-model.ts';
import type { ClientModel, Ctx, CurrentContext } from './types.ts';

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

/** Sends a back-channel logout token now; rejects unless the relying party takes it. */
export type SendBackchannelLogout = (
  client: ClientModel,
  sub: string,
  sid: string,
  jti: string,
) => Promise<void>;

/** A Provider reads its keys once: for others, another one is built. */
export interface BuiltProvider {
  readonly provider: Provider;
  /** The library's own middleware, for the Koa application that stands around it. */
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
 * The library registers its response modes and grants while it is built: there ours take the place,
 * or stand beside. Theirs for client credentials makes the tokens of ours for assertions.
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

/** Of the parameters that a grant takes. */
type Names = string | readonly string[] | ReadonlySet<string> | undefined;

function redeem<C extends Ctx>(handler: GrantHandler<C>): GrantHandler<C> {
  return (ctx) => {
    assertCodeWasForUs(ctx);
    return handler(ctx);
  };
}

/** Seconds: so far ahead of ours may the clock be that a DPoP proof was made by. */
const CLOCK_AHEAD = 300;

/**
 * The library looks first and writes then; two requests at once would both pass. And it counts from
 * now, though a proof from ahead of now is good for longer.
 */
function installReplayDetection(provider: Provider, needs: ProviderNeeds): void {
  const { store, tables, vault } = needs;
  const unique = async (iss: string, jti: string, exp: number): Promise<boolean> => {
    const id = hash('sha256', `${iss}\0${jti}`, 'base64url');
    const row = tables.artifactTable.insertOnce(
      {
        model: 'ReplayDetection',
        key: artifactKey(vault, 'ReplayDetection', id),
        payload: {},
        // A time may have a fraction (RFC 7519, 2).
        expiresAt: Math.ceil((exp + CLOCK_AHEAD) * 1000),
      },
      now(),
    );
    return await store.tryCommit([row]);
  };
  Object.assign(provider.ReplayDetection, { unique });
}

/**
 * Every end of a session writes its logouts into the outbox, wherever it ends. What the library
 * would send at its own sign-out page alone, one after the other, is sent from there.
 */
function takeOverBackchannelLogout(provider: Provider): SendBackchannelLogout {
  const { prototype } = provider.Client;
  const send = prototype.backchannelLogout;
  prototype.backchannelLogout = async () => undefined;
  const { asToken } = nameLogoutTokens(provider);
  return (client, sub, sid, jti) => asToken(jti, () => send.call(client, sub, sid));
}

/** The library makes a new `jti` for each delivery: here a letter keeps its own. */
function nameLogoutTokens(provider: Provider) {
  const names = new AsyncLocalStorage<string>();
  const { prototype } = provider.IdToken;
  const { set } = prototype;
  prototype.set = function named(this: IdToken, claim: string, value: unknown) {
    set.call(this, claim, claim === 'jti' ? (names.getStore() ?? value) : value);
  };
  return { asToken: <T>(jti: string, work: () => Promise<T>) => names.run(jti, work) };
}

function mountProvider(provider: Provider): Middleware {
  return inTurn(provider.middleware);
}

/** Each runs around those after it. */
export function inTurn(stack: readonly Middleware[]): Middleware {
  return (ctx, next) => {
    const run = (index: number): Promise<unknown> => {
      const each = stack[index];
      return Promise.resolve(each ? each(ctx, () => run(index + 1)) : next());
    };
    return run(0);
  };
}
