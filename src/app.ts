// The composition root: configuration → store → domain → methods → provider → pages.
import Koa, { type Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { Config } from './config/schema.ts';
import { type AccountActs, createAccountActs } from './domain/account-acts.ts';
import { type AllowAddresses, createAllowAddresses } from './domain/account-addresses.ts';
import { type AccountsDomain, createAccountsDomain } from './domain/accounts.ts';
import { type Audit, createAudit } from './domain/audit/audit.ts';
import { createAuthenticatorsDomain } from './domain/authenticators.ts';
import { type BackupCodesDomain, createBackupCodesDomain } from './domain/backup-codes.ts';
import { createConnections } from './domain/connections.ts';
import { createConsentsDomain } from './domain/consents.ts';
import { createHashing, type Hashing } from './domain/hashing.ts';
import { createImport, type ImportAccounts } from './domain/imports.ts';
import { watchKeys } from './domain/key-watch.ts';
import { createKeysDomain, type KeyRing, type KeysDomain } from './domain/keys.ts';
import { createKnownBrowsers, type KnownBrowsers } from './domain/known-browsers.ts';
import { createLimits, type Limits } from './domain/limits/limits.ts';
import { createOneTimeLinks, type OneTimeLinks } from './domain/links.ts';
import { createMails, MAIL } from './domain/mails.ts';
import { loadMasterKey } from './domain/master-key.ts';
import { createMfa, findRequiredSince } from './domain/mfa.ts';
import { createNotices } from './domain/notices.ts';
import { createPasswordResets } from './domain/password-resets.ts';
import { createPasswordPolicy, type PasswordPolicy } from './domain/passwords/policy.ts';
import { createPhonesDomain, type PhonesDomain } from './domain/phones.ts';
import type { ProveCode } from './domain/service-accounts/codes.ts';
import {
  createServiceAccountsDomain,
  type ServiceAccountsDomain,
} from './domain/service-accounts/service-accounts.ts';
import { BACKCHANNEL_LOGOUT, createSessionsDomain } from './domain/sessions.ts';
import { createSms, SMS } from './domain/sms.ts';
import { createTestClock, type TestClock } from './domain/test-clock.ts';
import { createTrustedDevices } from './domain/trusted-devices.ts';
import { createWaysOut } from './domain/ways-out.ts';
import { loadAssets } from './http/assets.ts';
import { createClientAddress } from './http/client-address.ts';
import { createCsrf } from './http/csrf.ts';
import { buildFixedAnswers, type FixedAnswers } from './http/fixed-answers.ts';
import { admitAssertions } from './http/middleware/assertions.ts';
import { catchErrors } from './http/middleware/errors.ts';
import { fixIssuer } from './http/middleware/issuer.ts';
import { noteFailure, raiseFailures } from './http/middleware/library.ts';
import { requestContext } from './http/middleware/request.ts';
import { refuseBrokenUrls, securityHeaders } from './http/middleware/security.ts';
import { leaveTrail } from './http/middleware/trail.ts';
import { createProviderPages } from './http/provider-pages.ts';
import { createRender, type Render } from './http/render.ts';
import { accountRoutes } from './http/routes/account/index.ts';
import { apiRoutes } from './http/routes/api/index.ts';
import { forgotPasswordRoutes } from './http/routes/forgot-password.ts';
import { healthRoutes } from './http/routes/health.ts';
import { resetPasswordRoutes } from './http/routes/reset-password.ts';
import { signInRoutes } from './http/routes/sign-in.ts';
import { syncTestClock, testClockRoutes } from './http/routes/test-clock.ts';
import { loadTexts, type Translate } from './http/texts.ts';
import { createVisitorForms } from './http/visitor-forms.ts';
import { createVisitors } from './http/visitors.ts';
import { installTestClock } from './lib/clock.ts';
import { createLog, type Log } from './lib/log.ts';
import { createOutgoing } from './lib/outgoing.ts';
import { createVault, type Vault } from './lib/vault.ts';
import { type Deliver, startDelivery } from './messages/deliver.ts';
import { createFiles } from './messages/files.ts';
import { createMailDelivery } from './messages/mail.ts';
import { createSmsDelivery } from './messages/sms.ts';
import { createMethods, type Method, type MethodNeeds } from './methods/index.ts';
import { type AskLibrary, createAskLibrary } from './oidc/ask-library.ts';
import { createBackchannelLogout } from './oidc/backchannel.ts';
import { createBrowserSessions } from './oidc/browser-sessions.ts';
import { createAuthenticateClient } from './oidc/client-authentication.ts';
import { type ClientRegistry, createClientRegistry } from './oidc/client-registry.ts';
import { cookieNames } from './oidc/configuration.ts';
import { createDirectSessions } from './oidc/direct-sessions.ts';
import { createSignOutDirectly } from './oidc/direct-sign-out.ts';
import { createDirectTokens } from './oidc/direct-tokens.ts';
import { createInteractions } from './oidc/interactions.ts';
import {
  clientOnPage,
  createLostRaceAnswers,
  type ProviderPages,
  replaceSelfSubmittingPages,
} from './oidc/pages.ts';
import { buildProvider, inTurn } from './oidc/provider.ts';
import { unitOfWork } from './oidc/work.ts';
import { createAddPhone } from './signin/add-phone.ts';
import { createSignInAudit } from './signin/audit-events.ts';
import { createFlowBackupCodes } from './signin/backup-codes.ts';
import { createSendChallenge } from './signin/challenge.ts';
import { createChangePassword } from './signin/change-password.ts';
import { createAccountCredentials } from './signin/credentials.ts';
import { createSignInDirectly } from './signin/direct.ts';
import { createEnrol } from './signin/enrol.ts';
import { createFinish } from './signin/finish.ts';
import { createFlowsDomain } from './signin/flow.ts';
import { createFindKnown } from './signin/known.ts';
import { createNewBackupCodes } from './signin/new-backup-codes.ts';
import { createProve, createProveAgain } from './signin/prove.ts';
import { createProveCode } from './signin/prove-code.ts';
import { createRenew } from './signin/renew.ts';
import { createResetFactors, type ResetFactors } from './signin/reset-factors.ts';
import { migrateUp } from './store/migrate.ts';
import { addressOf, openStore } from './store/open.ts';
import type { Settings } from './store/settings.ts';
import type { Store } from './store/store.ts';
import { openTables, type Tables } from './store/tables.ts';

/** What stands without any HTTP: enough for commands. */
export interface House {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly accounts: AccountsDomain;
  readonly importAccounts: ImportAccounts;
  readonly acts: AccountActs;
  readonly allowAddresses: AllowAddresses;
  readonly links: OneTimeLinks;
  readonly clients: ClientRegistry;
  readonly serviceAccounts: ServiceAccountsDomain;
  readonly keys: KeysDomain;
  readonly passwords: PasswordPolicy;
  readonly hashing: Hashing;
  readonly methods: readonly Method[];
  readonly limits: Limits;
  readonly settings: Settings;
  readonly audit: Audit;
  readonly knownBrowsers: KnownBrowsers;
  readonly backupCodes: BackupCodesDomain;
  readonly phones: PhonesDomain;
  readonly resetFactors: ResetFactors;
  readonly render: Render;
  readonly t: Translate;
  readonly app: Koa;
  readonly provider: () => Provider;
  readonly fixed: FixedAnswers;
  /** Looks for changed signing keys now, as every process does every few seconds. */
  renewKeys(): Promise<void>;
  /** Delivers what is due in the outbox. @returns how many letters arrived */
  deliver(): Promise<number>;
  close(): Promise<void>;
}

export interface Options {
  /** Replaces the list of methods, for a test that adds one. */
  readonly methods?: (needs: MethodNeeds) => readonly Method[];
  /** Replaces argon2, for tests that are about something else. */
  readonly hashing?: (config: Config) => Hashing;
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

/** What every part of the house is made from. */
interface Ground {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly tables: Tables;
  readonly vault: Vault;
  readonly hashing: Hashing;
}

async function furnish(config: Config, store: Store, log: Log, options: Options): Promise<House> {
  const tables = openTables(store);
  const clock = createTestClock(tables.settings);
  if (config.test_clock) await clock.sync();
  const vault = createVault(loadMasterKey(config));
  const hashing = (options.hashing ?? createHashing)(config);
  const ground = { config, log, store, tables, vault, hashing };
  const requiredSince = await findRequiredSince(config.mfa, tables.settings);
  const domain = createDomain(ground, requiredSince);
  await domain.keys.ensure();
  const site = createSite(ground);
  const methods = (options.methods ?? createMethods)({
    ...domain,
    config: config.password,
    product: config.product.name,
    vault,
  });
  const oidc = await createOidc(ground, domain, site);
  clock.whenMoved(oidc.watch.tryToLook);
  const app = createApp(ground, { domain, site, methods, oidc, clock });
  const delivery = startDelivery({
    store,
    log,
    outbox: tables.outbox,
    kinds: { [BACKCHANNEL_LOGOUT]: oidc.backchannelLogout, ...messengers(ground, domain, site) },
  });
  const resetFactors = createResetFactors({ ...domain, accounts: tables.accounts, methods });
  return {
    config,
    log,
    store,
    methods,
    app,
    fixed: oidc.fixed,
    accounts: domain.accounts,
    importAccounts: createImport({ ...domain, store, accounts: tables.accounts }),
    acts: createAccountActs({ ...domain, store, accounts: tables.accounts, resetFactors }),
    allowAddresses: createAllowAddresses({ ...domain, store, accounts: tables.accounts }),
    links: domain.links,
    limits: domain.limits,
    settings: tables.settings,
    audit: domain.audit,
    knownBrowsers: domain.knownBrowsers,
    backupCodes: domain.backupCodes,
    phones: domain.phones,
    resetFactors,
    serviceAccounts: domain.serviceAccounts,
    keys: domain.keys,
    passwords: domain.passwords,
    hashing: domain.hashing,
    clients: oidc.clients,
    provider: oidc.provider,
    renewKeys: oidc.watch.look,
    render: site.render,
    t: site.t,
    deliver: delivery.round,
    close: async () => {
      await Promise.all([delivery.stop(), oidc.watch.stop()]);
      await store.close();
    },
  };
}

const WELL_KNOWN = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

type Domain = ReturnType<typeof createDomain>;

function createDomain(ground: Ground, requiredSince: number) {
  const { config, log, store, tables, vault, hashing } = ground;
  const audit = createAudit({ store, log, events: tables.auditEvents });
  const passwords = createPasswordPolicy(config.password);
  const knownBrowsers = createKnownBrowsers({
    config: config.limits.known_browsers,
    browsers: tables.knownBrowsers,
    vault,
  });
  const { counters } = tables;
  const sms = createSms({ config, outbox: tables.outbox, vault });
  const serviceAccountAuthenticators = createAuthenticatorsDomain(
    tables.serviceAccountAuthenticators,
    vault,
  );
  const limits = createLimits({ config: config.limits, store, counters, knownBrowsers, vault });
  return {
    audit,
    limits,
    hashing,
    passwords,
    knownBrowsers,
    mfa: createMfa(config.mfa, requiredSince),
    authenticators: createAuthenticatorsDomain(tables.authenticators, vault),
    serviceAccountAuthenticators,
    backupCodes: createBackupCodesDomain({ codes: tables.backupCodes, vault }),
    trustedDevices: createTrustedDevices({
      config: config.device,
      devices: tables.trustedDevices,
      vault,
    }),
    accounts: createAccountsDomain(store, tables.accounts, { hashing, passwords, audit }),
    consents: createConsentsDomain(store, tables.consents, audit),
    connections: createConnections({ store, audit, ...tables }),
    serviceAccounts: createServiceAccountsDomain({
      config,
      store,
      accounts: tables.serviceAccounts,
      authenticators: serviceAccountAuthenticators,
      artifacts: tables.artifacts,
      limits,
      audit,
    }),
    sessions: createSessionsDomain({ config, audit, ...tables }),
    flows: createFlowsDomain({ store, flows: tables.flows, ttl: config.ttl.sign_in }),
    keys: createKeysDomain({ config, store, keys: tables.signingKeys, vault, audit }),
    links: createOneTimeLinks({ config, store, links: tables.links, vault }),
    mails: createMails({ outbox: tables.outbox, vault }),
    notices: createNotices({ outbox: tables.outbox, vault }),
    sms,
    phones: createPhonesDomain({ product: config.product.name, phones: tables.phones, sms, vault }),
  };
}

function messengers({ config }: Ground, domain: Domain, { render, t }: Site) {
  const { issuer, mail, sms, outgoing, data_dir: dataDir } = config;
  const write = createFiles(dataDir);
  const site = { render, t, issuer, product: config.product.name };
  const call = createOutgoing(outgoing);
  return {
    [MAIL]: createMailDelivery({ ...domain, ...site, settings: mail, write }),
    [SMS]: createSmsDelivery({ settings: sms, sms: domain.sms, call, write }),
  } satisfies Record<string, Deliver>;
}

type Site = ReturnType<typeof createSite>;

function createSite({ config, vault }: Ground) {
  const { product, support, issuer } = config;
  const t = loadTexts('en');
  const csrf = createCsrf(vault, issuer);
  const assets = loadAssets();
  const common = { t, language: 'en', product: product.name, support: support.contact };
  return {
    t,
    assets,
    render: createRender({ ...common, asset: assets.url }),
    csrf,
    addressOf: createClientAddress(config),
    visitors: createVisitors(config),
    visitorForms: createVisitorForms(csrf, issuer),
  };
}

type Oidc = Awaited<ReturnType<typeof createOidc>>;

async function createOidc(ground: Ground, domain: Domain, site: Site) {
  const { config, log, tables } = ground;
  const { audit, keys } = domain;
  const pages = createProviderPages({ ...site, accounts: domain.accounts });
  const authenticators = domain.serviceAccountAuthenticators;
  const proveCode = createProveCode({ ...ground, ...domain, authenticators });
  const build = (ring: KeyRing) => buildOidc(ground, { ...domain, pages, proveCode, keys: ring });
  const watch = await watchKeys({ keys, log, build });
  const provider = () => watch.current().provider;
  const protocol: Middleware = (ctx, next) => watch.current().protocol(ctx, next);
  const fixed: FixedAnswers = {
    handle: (...exchange) => watch.current().fixed.handle(...exchange),
  };
  return {
    provider,
    watch,
    tokenPath: () => provider().pathFor('token'),
    pages,
    protocol,
    fixed,
    clients: createClientRegistry({ ...ground, clients: tables.clients, audit, provider }),
    interactions: createInteractions({ ...ground, artifacts: tables.artifacts, provider }),
    browserSessions: createBrowserSessions(config, provider),
    backchannelLogout: createBackchannelLogout(watch.current),
  };
}

type OidcNeeds = Omit<Domain, 'keys'> & {
  readonly pages: ProviderPages;
  readonly proveCode: ProveCode;
  readonly keys: KeyRing;
};

/** All that hangs on the keys. */
async function buildOidc(ground: Ground, needs: OidcNeeds) {
  const built = buildProvider({ ...ground, ...needs });
  const { provider, protocol } = built;
  provider.on('server_error', noteFailure);
  fixIssuer(provider, ground.config.issuer);
  const paths = [...WELL_KNOWN, provider.pathFor('jwks')];
  return { ...built, fixed: await buildFixedAnswers(provider, protocol, paths) };
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
  const { domain, site, oidc, clock } = parts;
  const app = new Koa();
  app.keys = [...vault.cookieKeys];
  app.silent = true;
  fixIssuer(app, config.issuer);
  const library = inTurn([
    unitOfWork(store, cookieNames(config.issuer).session, createLostRaceAnswers(oidc.pages)),
    raiseFailures(log),
    admitAssertions(oidc.tokenPath),
    oidc.protocol,
  ]);
  const askLibrary = createAskLibrary(app, library);
  const routers = createRouters(ground, { ...parts, askLibrary }).map((router) => router.routes());
  const ping = store.compile(store.sql.raw('select 1 as up'));
  const health = healthRoutes(() => store.find(ping)).routes();
  const stack = [
    requestContext(site.addressOf),
    leaveTrail({ ...domain, keyOf: oidc.interactions.keyOf }),
    catchErrors({ log, ...site }),
    securityHeaders(config.issuer),
    refuseBrokenUrls,
    health as unknown as Middleware,
    site.assets.middleware,
    ...(config.test_clock ? [syncTestClock(clock)] : []),
    ...(routers as unknown as Middleware[]),
    replaceSelfSubmittingPages(oidc.provider),
    library,
  ];
  for (const each of stack) app.use(each);
  return app;
}

type RouterParts = Parts & { readonly askLibrary: AskLibrary };
type Proving = ReturnType<typeof provingOf>;

/** What proves who somebody is, at whatever door. */
function provingOf(ground: Ground, { domain, methods }: Parts) {
  const { accounts } = ground.tables;
  const signInAudit = createSignInAudit(domain.audit, accounts);
  const needs = { ...ground, ...domain, accounts, methods, signInAudit };
  return {
    ...needs,
    prove: createProve(needs),
    finish: createFinish(needs),
    sendChallenge: createSendChallenge(needs),
  };
}

function createRouters(ground: Ground, parts: RouterParts) {
  const { domain, site, methods, oidc, clock } = parts;
  const { config, store, tables } = ground;
  const proving = provingOf(ground, parts);
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
      prove: proving.prove,
      finish: proving.finish,
      sendChallenge: proving.sendChallenge,
      signInAudit: proving.signInAudit,
      enrol,
      flowBackupCodes: createFlowBackupCodes(proving),
      findKnown: createFindKnown(proving),
      product: config.product.name,
      deviceDays: config.device.days,
      candidates,
      renew: createRenew({ ...proving, candidates }),
      entranceOf: (id) => entranceOf(oidc.provider(), id),
    }),
    ...linkRouters(ground, domain, site),
    apiRouter(ground, parts, proving),
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
      addPhone: createAddPhone(proving),
      newBackupCodes: createNewBackupCodes({ ...proving, sessionTable: tables.sessions }),
      waysOut: createWaysOut(proving),
      changePassword: createChangePassword({ ...proving, proveAgain: createProveAgain(proving) }),
      findClient: async (id) => clientOnPage(await oidc.provider().Client.find(id)),
    }),
  ];
}

function apiRouter(ground: Ground, parts: RouterParts, proving: Proving) {
  const { config, tables } = ground;
  const { domain, site, oidc, askLibrary } = parts;
  const needs = { ...ground, ...tables, ...domain, sessionTable: tables.sessions };
  const provider = oidc.provider;
  return apiRoutes({
    ...site,
    ...proving,
    issuer: config.issuer,
    defaultClientId: config.api.default_client_id,
    directTokens: createDirectTokens({
      ...ground,
      askLibrary,
      provider,
      sessionTable: tables.sessions,
    }),
    askLibrary,
    tokenPath: oidc.tokenPath,
    authenticateClient: createAuthenticateClient(provider, askLibrary),
    directSessions: createDirectSessions({
      ...ground,
      ...tables,
      provider,
      ending: domain.sessions,
    }),
    signInDirectly: createSignInDirectly(proving),
    signOutDirectly: createSignOutDirectly({ ...needs, provider }),
  });
}

function linkRouters({ config, store, tables }: Ground, domain: Domain, site: Site) {
  const resets = createPasswordResets({ ...domain, store, accounts: tables.accounts });
  return [
    forgotPasswordRoutes({ ...site, resets, linkLifetime: config.ttl.reset_link }),
    resetPasswordRoutes({ ...site, ...domain, resets, issuer: config.issuer }),
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
