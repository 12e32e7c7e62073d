// The composition root: configuration → store → domain → methods → provider → pages.
import { createServer, type Server } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { Config } from './config/schema.ts';
import { type AccountsDomain, createAccountsDomain } from './domain/accounts.ts';
import { createConsentsDomain } from './domain/consents.ts';
import { createHashing } from './domain/hashing.ts';
import { createKeysDomain, type KeysDomain } from './domain/keys.ts';
import { loadMasterKey } from './domain/master-key.ts';
import { BACKCHANNEL_LOGOUT, createSessionsDomain } from './domain/sessions.ts';
import { createTestClock } from './domain/test-clock.ts';
import { loadAssets } from './http/assets.ts';
import { createCsrf } from './http/csrf.ts';
import { buildFixedAnswers, type FixedAnswers } from './http/fixed-answers.ts';
import { catchErrors } from './http/middleware/errors.ts';
import { fixIssuer } from './http/middleware/issuer.ts';
import { noteFailure, raiseFailures } from './http/middleware/library.ts';
import { refuseBrokenUrls, securityHeaders } from './http/middleware/security.ts';
import { createProviderPages } from './http/provider-pages.ts';
import { createRender, type Render } from './http/render.ts';
import { accountRoutes } from './http/routes/account.ts';
import { healthRoutes } from './http/routes/health.ts';
import { signInRoutes } from './http/routes/sign-in.ts';
import { syncTestClock, testClockRoutes } from './http/routes/test-clock.ts';
import { loadTexts } from './http/texts.ts';
import { installTestClock } from './lib/clock.ts';
import { createLog, type Log } from './lib/log.ts';
import { createVault } from './lib/vault.ts';
import { startDelivery } from './messages/deliver.ts';
import { createMethods, type Method, type MethodNeeds } from './methods/index.ts';
import { createBackchannelLogout } from './oidc/backchannel.ts';
import { type ClientRegistry, createClientRegistry } from './oidc/clients.ts';
import { cookieNames } from './oidc/configuration.ts';
import { createInteractions } from './oidc/interactions.ts';
import { clientOnPage, replaceSelfSubmittingPages } from './oidc/pages.ts';
import { buildProvider, mountProvider } from './oidc/provider.ts';
import { unitOfWork } from './oidc/work.ts';
import { createFinish } from './signin/finish.ts';
import { createFlowsDomain } from './signin/flow.ts';
import { createProve } from './signin/prove.ts';
import { createAccounts } from './store/accounts.ts';
import { createArtifacts } from './store/artifacts.ts';
import { createClients } from './store/clients.ts';
import { createConsents } from './store/consents.ts';
import { createFlows } from './store/flows.ts';
import { migrateUp } from './store/migrate.ts';
import { addressOf, openStore } from './store/open.ts';
import { createOutbox } from './store/outbox.ts';
import { createSessions } from './store/sessions.ts';
import { createSettings } from './store/settings.ts';
import { createSigningKeys } from './store/signing-keys.ts';
import type { Store } from './store/store.ts';

/** What stands without any HTTP: enough for commands. */
export interface House {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly accounts: AccountsDomain;
  readonly clients: ClientRegistry;
  readonly keys: KeysDomain;
  readonly methods: readonly Method[];
  readonly render: Render;
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
  };
}

async function furnish(config: Config, store: Store, log: Log, options: Options): Promise<House> {
  const tables = openTables(store);
  const clock = createTestClock(tables.settings);
  if (config.test_clock) await clock.sync();
  const vault = createVault(loadMasterKey(config));
  const keys = createKeysDomain(store, tables.signingKeys, vault);
  await keys.ensure();

  const hashing = createHashing(config);
  const accounts = createAccountsDomain(store, tables.accounts, hashing);
  const consents = createConsentsDomain(store, tables.consents);
  const sessions = createSessionsDomain({ config, ...tables });
  const methods = (options.methods ?? createMethods)({ accounts, hashing });

  const t = loadTexts('en');
  const assets = loadAssets();
  const { product, support, issuer } = config;
  const render = createRender({
    t,
    language: 'en',
    product: product.name,
    support: support.contact,
    asset: assets.url,
  });
  const pages = createProviderPages({ render, t, accounts });

  const built = buildProvider({
    config,
    store,
    vault,
    tables,
    accounts,
    sessions,
    consents,
    pages,
    keys: await keys.load(),
  });
  const { provider } = built;
  provider.on('server_error', noteFailure);
  const current = () => provider;
  const clients = createClientRegistry({
    store,
    clients: tables.clients,
    vault,
    provider: current,
  });

  const flows = createFlowsDomain({ store, flows: tables.flows, ttl: config.ttl.sign_in });
  const proving = { store, accounts: tables.accounts, flows, methods, log };
  const finishing = { store, accounts: tables.accounts, flows, sessions, log };
  const csrf = createCsrf(vault, issuer);
  const interactions = createInteractions({
    config,
    vault,
    artifacts: tables.artifacts,
    provider: current,
  });

  const app = new Koa();
  app.keys = [...vault.cookieKeys];
  app.silent = true;
  fixIssuer(app, issuer);
  fixIssuer(provider, issuer);

  const library = mountProvider(provider);
  const routers = [
    healthRoutes(() => store.find(store.compile(store.sql.raw('select 1 as up')))),
    ...(config.test_clock ? [testClockRoutes(clock)] : []),
    signInRoutes({
      store,
      accounts,
      consents,
      interactions,
      flows,
      methods,
      prove: createProve(proving),
      finish: createFinish(finishing),
      csrf,
      render,
      t,
      entranceOf: (id) => entranceOf(provider, id),
    }),
    accountRoutes({
      issuer,
      store,
      sessions: tables.sessions,
      sessionsDomain: sessions,
      accounts,
      provider: current,
      csrf,
      render,
    }),
  ];
  const stack: Middleware[] = [
    catchErrors({ log, render, t }),
    ...(config.test_clock ? [syncTestClock(clock)] : []),
    securityHeaders(issuer),
    refuseBrokenUrls,
    assets.middleware,
    ...routers.map((router) => router.routes() as unknown as Middleware),
    replaceSelfSubmittingPages(current),
    unitOfWork(store, cookieNames(issuer).session, {
      oauthError: async (ctx, error, description) => {
        ctx.remove('Location');
        ctx.status = 400;
        await pages.error(ctx, { error, error_description: description });
      },
      sessionGone: async (ctx) => {
        ctx.remove('Location');
        const client = (ctx as unknown as { oidc?: { client?: object } }).oidc?.client;
        await pages.expired(ctx, clientOnPage(client));
      },
    }),
    raiseFailures(log),
    library,
  ];
  for (const each of stack) app.use(each);

  const paths = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
  const fixed = await buildFixedAnswers(app, library, [...paths, provider.pathFor('jwks')]);
  const send = createBackchannelLogout(current, built.sendBackchannelLogout);
  const delivery = startDelivery({
    store,
    outbox: tables.outbox,
    log,
    kinds: { [BACKCHANNEL_LOGOUT]: send },
  });

  return {
    config,
    log,
    store,
    accounts,
    clients,
    keys,
    methods,
    render,
    app,
    provider: current,
    fixed,
    deliver: delivery.round,
    close: async () => {
      await delivery.stop();
      await store.close();
    },
  };
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
