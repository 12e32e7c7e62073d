// The composition root: configuration → store → domain → methods → provider → pages.
import { createServer, type Server } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { Config } from './config/schema.ts';
import { type AccountsDomain, createAccountsDomain } from './domain/accounts.ts';
import { type BackupCodesDomain, createBackupCodesDomain } from './domain/backup-codes.ts';
import { createConnections } from './domain/connections.ts';
import { createConsentsDomain } from './domain/consents.ts';
import { createHashing } from './domain/hashing.ts';
import { createImport, type ImportAccounts } from './domain/imports.ts';
import { createKeysDomain, type KeysDomain } from './domain/keys.ts';
import { createKnownBrowsers, type KnownBrowsers } from './domain/known-browsers.ts';
import { createLimits, type Limits } from './domain/limits/limits.ts';
import { loadMasterKey } from './domain/master-key.ts';
import { createMfa, findRequiredSince } from './domain/mfa.ts';
import { createPasswordPolicy, type PasswordPolicy } from './domain/passwords/policy.ts';
import { BACKCHANNEL_LOGOUT, createSessionsDomain } from './domain/sessions.ts';
import { createSignOuts } from './domain/sign-outs.ts';
import { createTestClock, type TestClock } from './domain/test-clock.ts';
import { createTrustedDevices } from './domain/trusted-devices.ts';
import { loadAssets } from './http/assets.ts';
import { createCsrf } from './http/csrf.ts';
import { buildFixedAnswers, type FixedAnswers } from './http/fixed-answers.ts';
import { catchErrors } from './http/middleware/errors.ts';
import { fixIssuer } from './http/middleware/issuer.ts';
import { noteFailure, raiseFailures } from './http/middleware/library.ts';
import { refuseBrokenUrls, securityHeaders } from './http/middleware/security.ts';
import { createProviderPages } from './http/provider-pages.ts';
import { createRender, type Render } from './http/render.ts';
import { accountRoutes } from './http/routes/account/index.ts';
import { healthRoutes } from './http/routes/health.ts';
import { signInRoutes } from './http/routes/sign-in.ts';
import { syncTestClock, testClockRoutes } from './http/routes/test-clock.ts';
import { loadTexts, type Translate } from './http/texts.ts';
import { createVisitors } from './http/visitors.ts';
import { installTestClock } from './lib/clock.ts';
import { createLog, type Log } from './lib/log.ts';
import { createVault, type Vault } from './lib/vault.ts';
import { startDelivery } from './messages/deliver.ts';
import { createMethods, type Method, type MethodNeeds } from './methods/index.ts';
import { createBackchannelLogout } from './oidc/backchannel.ts';
import { createBrowserSessions } from './oidc/browser-sessions.ts';
import { type ClientRegistry, createClientRegistry } from './oidc/clients.ts';
import { cookieNames } from './oidc/configuration.ts';
import { createInteractions } from './oidc/interactions.ts';
import { clientOnPage, createLostRaceAnswers, replaceSelfSubmittingPages } from './oidc/pages.ts';
import { buildProvider, mountProvider } from './oidc/provider.ts';
import { unitOfWork } from './oidc/work.ts';
import { createFlowBackupCodes } from './signin/backup-codes.ts';
import { createChangePassword } from './signin/change-password.ts';
import { createAccountCredentials } from './signin/credentials.ts';
import { createEnrol } from './signin/enrol.ts';
import { createFinish } from './signin/finish.ts';
import { createFlowsDomain } from './signin/flow.ts';
import { createFindKnown } from './signin/known.ts';
import { createNewBackupCodes } from './signin/new-backup-codes.ts';
import { createProve, createProveAgain } from './signin/prove.ts';
import { createRenew } from './signin/renew.ts';
import { createResetFactors, type ResetFactors } from './signin/reset-factors.ts';
import { createAccounts } from './store/accounts.ts';
import { createArtifacts } from './store/artifacts.ts';
import { createAuthenticators } from './store/authenticators.ts';
import { createBackupCodes } from './store/backup-codes.ts';
import { createClients } from './store/clients.ts';
import { createConsents } from './store/consents.ts';
import { createFlows } from './store/flows.ts';
import { createKnownBrowsers as createKnownBrowserTable } from './store/known-browsers.ts';
import { createCounters } from './store/limits.ts';
import { migrateUp } from './store/migrate.ts';
import { addressOf, openStore } from './store/open.ts';
import { createOutbox } from './store/outbox.ts';
import { createSessions } from './store/sessions.ts';
import { createSettings } from './store/settings.ts';
import { createSigningKeys } from './store/signing-keys.ts';
import type { Store } from './store/store.ts';
import { createTrustedDevices as createTrustedDeviceTable } from './store/trusted-devices.ts';

/** What stands without any HTTP: enough for commands. */
export interface House {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly accounts: AccountsDomain;
  readonly importAccounts: ImportAccounts;
  readonly clients: ClientRegistry;
  readonly keys: KeysDomain;
  readonly passwords: PasswordPolicy;
  readonly methods: readonly Method[];
  readonly limits: Limits;
  readonly knownBrowsers: KnownBrowsers;
  readonly backupCodes: BackupCodesDomain;
  readonly resetFactors: ResetFactors;
  readonly render: Render;
  readonly t: Translate;
  readonly app: Koa;
  readonly provider: () => Provider;
  readonly fixed: FixedAnswers;
  /** Delivers what is due in the outbox. @returns how many letters arrived */
  deliver(): Promise<number>;
  close(): Promise<void>;
}

export interface Options {
  /** Replaces the list of methods, for a test that adds one. */
  readonly methods?: (needs: MethodNeeds) => readonly Method[];
}

/** Opens the store, brings its tables up, makes what is missing, and wires everything. */
export async function openHouse(config: Config, options: Options = {}): Promise<House> {
  if (config.test_clock) installTestClock();
  const log = createLog(config.log_level);
  await migrateUp(addressOf(config));
  const store = openStore(config, log);
  try {
    return await furnish(config, store, log, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function openTables(store: Store) {
  return {
    settings: createSettings(store),
    accounts: createAccounts(store),
    clients: createClients(store),
    signingKeys: createSigningKeys(store),
    artifacts: createArtifacts(store),
    sessions: createSessions(store),
    flows: createFlows(store),
    consents: createConsents(store),
    outbox: createOutbox(store),
    counters: createCounters(store),
    knownBrowsers: createKnownBrowserTable(store),
    authenticators: createAuthenticators(store),
    backupCodes: createBackupCodes(store),
    trustedDevices: createTrustedDeviceTable(store),
  };
}

type Tables = ReturnType<typeof openTables>;

/** What every part of the house is made from. */
interface Ground {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly tables: Tables;
  readonly vault: Vault;
}

async function furnish(config: Config, store: Store, log: Log, options: Options): Promise<House> {
  const tables = openTables(store);
  const clock = createTestClock(tables.settings);
  if (config.test_clock) await clock.sync();
  const ground = { config, log, store, tables, vault: createVault(loadMasterKey(config)) };
  const requiredSince = await findRequiredSince(config.mfa, tables.settings);
  const domain = createDomain(ground, requiredSince);
  await domain.keys.ensure();
  const site = createSite(ground);
  const methods = (options.methods ?? createMethods)({
    ...domain,
    config: config.password,
    product: config.product.name,
    authenticators: tables.authenticators,
    vault: ground.vault,
  });
  const oidc = await createOidc(ground, domain, site);
  const app = createApp(ground, { domain, site, methods, oidc, clock });
  const paths = [...WELL_KNOWN, oidc.provider.pathFor('jwks')];
  const fixed = await buildFixedAnswers(app, oidc.protocol, paths);
  const delivery = startDelivery({
    store,
    log,
    outbox: tables.outbox,
    kinds: { [BACKCHANNEL_LOGOUT]: oidc.backchannelLogout },
  });
  return {
    config,
    log,
    store,
    methods,
    app,
    fixed,
    accounts: domain.accounts,
    importAccounts: createImport(store, tables.accounts),
    limits: domain.limits,
    knownBrowsers: domain.knownBrowsers,
    backupCodes: domain.backupCodes,
    resetFactors: createResetFactors({ ...domain, accounts: tables.accounts, methods }),
    keys: domain.keys,
    passwords: domain.passwords,
    clients: oidc.clients,
    provider: oidc.current,
    render: site.render,
    t: site.t,
    deliver: delivery.round,
    close: async () => {
      await delivery.stop();
      await store.close();
    },
  };
}

const WELL_KNOWN = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

type Domain = ReturnType<typeof createDomain>;

function createDomain({ config, store, tables, vault }: Ground, requiredSince: number) {
  const hashing = createHashing(config);
  const passwords = createPasswordPolicy(config.password);
  const knownBrowsers = createKnownBrowsers({
    config: config.limits.known_browsers,
    browsers: tables.knownBrowsers,
    vault,
  });
  const { counters } = tables;
  return {
    hashing,
    passwords,
    knownBrowsers,
    mfa: createMfa(config.mfa, requiredSince),
    backupCodes: createBackupCodesDomain({ codes: tables.backupCodes, vault }),
    trustedDevices: createTrustedDevices({
      config: config.device,
      devices: tables.trustedDevices,
      vault,
    }),
    limits: createLimits({ config: config.limits, store, counters, knownBrowsers, vault }),
    accounts: createAccountsDomain(store, tables.accounts, { hashing, passwords }),
    consents: createConsentsDomain(store, tables.consents),
    connections: createConnections(tables),
    sessions: createSessionsDomain({ config, ...tables }),
    flows: createFlowsDomain({ store, flows: tables.flows, ttl: config.ttl.sign_in }),
    keys: createKeysDomain(store, tables.signingKeys, vault),
  };
}

type Site = ReturnType<typeof createSite>;

function createSite({ config, vault }: Ground) {
  const { product, support, issuer } = config;
  const t = loadTexts('en');
  const assets = loadAssets();
  const common = { t, language: 'en', product: product.name, support: support.contact };
  return {
    t,
    assets,
    render: createRender({ ...common, asset: assets.url }),
    csrf: createCsrf(vault, issuer),
    visitors: createVisitors(config),
  };
}

type Oidc = Awaited<ReturnType<typeof createOidc>>;

async function createOidc(ground: Ground, domain: Domain, { render, t }: Site) {
  const { config, store, tables, vault } = ground;
  const pages = createProviderPages({ render, t, accounts: domain.accounts });
  const built = buildProvider({ ...ground, ...domain, pages, keys: await domain.keys.load() });
  const { provider } = built;
  provider.on('server_error', noteFailure);
  fixIssuer(provider, config.issuer);
  const current = () => provider;
  return {
    provider,
    current,
    pages,
    protocol: mountProvider(provider),
    clients: createClientRegistry({ store, clients: tables.clients, vault, provider: current }),
    interactions: createInteractions({ ...ground, artifacts: tables.artifacts, provider: current }),
    browserSessions: createBrowserSessions(config, current),
    backchannelLogout: createBackchannelLogout(current, built.sendBackchannelLogout),
  };
}

interface Parts {
  readonly domain: Domain;
  readonly site: Site;
  readonly methods: readonly Method[];
  readonly oidc: Oidc;
  readonly clock: TestClock;
}

function createApp(ground: Ground, parts: Parts): Koa {
  const { config, log, store, vault } = ground;
  const { site, oidc, clock } = parts;
  const app = new Koa();
  app.keys = [...vault.cookieKeys];
  app.silent = true;
  fixIssuer(app, config.issuer);
  const routers = createRouters(ground, parts).map((router) => router.routes());
  const ping = store.compile(store.sql.raw('select 1 as up'));
  const health = healthRoutes(() => store.find(ping)).routes();
  const stack = [
    catchErrors({ log, ...site }),
    securityHeaders(config.issuer),
    refuseBrokenUrls,
    health as unknown as Middleware,
    site.assets.middleware,
    ...(config.test_clock ? [syncTestClock(clock)] : []),
    ...(routers as unknown as Middleware[]),
    replaceSelfSubmittingPages(oidc.current),
    unitOfWork(store, cookieNames(config.issuer).session, createLostRaceAnswers(oidc.pages)),
    raiseFailures(log),
    oidc.protocol,
  ];
  for (const each of stack) app.use(each);
  return app;
}

function createRouters(ground: Ground, { domain, site, methods, oidc, clock }: Parts) {
  const { config, store, tables } = ground;
  const { flows, limits } = domain;
  const proving = { ...ground, ...domain, accounts: tables.accounts, flows, limits, methods };
  const enrol = createEnrol(proving);
  const { candidates } = config.password;
  return [
    ...(config.test_clock ? [testClockRoutes(clock)] : []),
    signInRoutes({
      ...site,
      ...domain,
      store,
      methods,
      interactions: oidc.interactions,
      browserSessions: oidc.browserSessions,
      prove: createProve(proving),
      finish: createFinish(proving),
      enrol,
      flowBackupCodes: createFlowBackupCodes(proving),
      findKnown: createFindKnown(proving),
      product: config.product.name,
      deviceDays: config.device.days,
      candidates,
      renew: createRenew({ ...proving, candidates }),
      entranceOf: (id) => entranceOf(oidc.provider, id),
    }),
    accountRoutes({
      ...ground,
      ...site,
      ...domain,
      methods,
      enrol,
      issuer: config.issuer,
      product: config.product.name,
      sessionTable: tables.sessions,
      browserSessions: oidc.browserSessions,
      credentials: createAccountCredentials(proving),
      newBackupCodes: createNewBackupCodes({ ...proving, sessionTable: tables.sessions }),
      signOuts: createSignOuts(proving),
      changePassword: createChangePassword({ ...proving, proveAgain: createProveAgain(proving) }),
      findClient: async (id) => clientOnPage(await oidc.provider.Client.find(id)),
    }),
  ];
}

interface Entrances {
  readonly initiateLoginUri?: string;
  readonly clientUri?: string;
}

async function entranceOf(provider: Provider, clientId: string): Promise<string | undefined> {
  const client = (await provider.Client.find(clientId)) as Entrances | undefined;
  return client?.initiateLoginUri ?? client?.clientUri;
}

/** The HTTP server of a house, not listening yet. */
export function createHttpServer({ app, fixed, config }: House): Server {
  const answer = app.callback();
  const server = createServer((request, response) => {
    if (!fixed.handle(request, response)) answer(request, response);
  });
  server.maxConnections = config.http.connections;
  server.headersTimeout = config.http.headers_timeout * 1000;
  server.requestTimeout = config.http.request_timeout * 1000;
  return server;
}
