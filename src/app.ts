// The composition root: configuration → store → domain → methods → provider → pages.
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import type { Config } from './config/schema.ts';
import { type AccountActs, createAccountActs } from './domain/account-acts.ts';
import { type AllowAddresses, createAllowAddresses } from './domain/account-addresses.ts';
import type { AccountsDomain } from './domain/accounts.ts';
import type { Audit } from './domain/audit/audit.ts';
import type { BackupCodesDomain } from './domain/backup-codes.ts';
import { createClockSkew } from './domain/clock-skew.ts';
import { createHashing, type Hashing } from './domain/hashing.ts';
import { createImport, type ImportAccounts } from './domain/imports.ts';
import type { KeysDomain } from './domain/keys.ts';
import type { KnownBrowsers } from './domain/known-browsers.ts';
import type { Limits } from './domain/limits/limits.ts';
import type { OneTimeLinks } from './domain/links.ts';
import type { Mails } from './domain/mails.ts';
import { loadMasterKey } from './domain/master-key.ts';
import { findRequiredSince } from './domain/mfa.ts';
import { createNode, type Node } from './domain/node.ts';
import type { PasswordPolicy } from './domain/passwords/policy.ts';
import type { PhonesDomain } from './domain/phones.ts';
import type { ServiceAccountsDomain } from './domain/service-accounts/service-accounts.ts';
import { BACKCHANNEL_LOGOUT } from './domain/sessions.ts';
import { createTestClock } from './domain/test-clock.ts';
import type { FixedAnswers } from './http/fixed-answers.ts';
import { createLeaving, type Leaving } from './http/leaving.ts';
import type { Render } from './http/render.ts';
import type { Translate } from './http/texts.ts';
import { replaceDate } from './lib/clock.ts';
import { createLog, type Log } from './lib/log.ts';
import { createVault } from './lib/vault.ts';
import { startDelivery } from './messages/deliver.ts';
import { createMethods, type Method, type MethodNeeds } from './methods/index.ts';
import type { ClientRegistry } from './oidc/client-registry.ts';
import { createResetFactors, type ResetFactors } from './signin/reset-factors.ts';
import { migrateUp, type Opening } from './store/migrate.ts';
import { addressOf, openStore } from './store/open.ts';
import type { Settings } from './store/settings.ts';
import type { Store } from './store/store.ts';
import { openTables } from './store/tables.ts';
import { createDomain } from './wiring/domain.ts';
import { createMessengers } from './wiring/messengers.ts';
import { createOidc } from './wiring/oidc.ts';
import { createSite } from './wiring/site.ts';
import { createApp } from './wiring/stack.ts';

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
  readonly mails: Mails;
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
  readonly leaving: Leaving;
  readonly node: Node;
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
  /** Whether a database that is not there is made. */
  readonly opening?: Opening;
}

/** Opens the store, brings its tables up, makes what is missing, and wires everything. */
export async function openHouse(config: Config, options: Options = {}): Promise<House> {
  if (config.test_clock) replaceDate();
  const log = createLog(config.log_level);
  await migrateUp(addressOf(config), options.opening);
  const store = openStore(config, log);
  try {
    return await furnish(config, store, log, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function furnish(config: Config, store: Store, log: Log, options: Options): Promise<House> {
  const tables = openTables(store);
  const clockSkew = createClockSkew({ store, log });
  await clockSkew.measure();
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
    log,
  });
  const oidc = await createOidc(ground, domain, site);
  clock.whenMoved(oidc.watch.tryToLook);
  const leaving = createLeaving();
  const node = createNode({ store, log, nodes: tables.nodes, clockSkew });
  const app = createApp(ground, { node, domain, site, methods, oidc, clock }, leaving);
  const delivery = startDelivery({
    store,
    log,
    outbox: tables.outbox,
    kinds: {
      [BACKCHANNEL_LOGOUT]: oidc.backchannelLogout,
      ...createMessengers(ground, domain, site),
    },
  });
  const resetFactors = createResetFactors({ ...domain, accounts: tables.accounts, methods });
  return {
    config,
    log,
    store,
    methods,
    app,
    fixed: oidc.fixed,
    leaving,
    node,
    accounts: domain.accounts,
    importAccounts: createImport({ ...domain, store, accounts: tables.accounts }),
    acts: createAccountActs({ ...domain, store, accounts: tables.accounts, resetFactors }),
    allowAddresses: createAllowAddresses({ ...domain, store, accounts: tables.accounts }),
    links: domain.links,
    mails: domain.mails,
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
      await Promise.all([delivery.stop(), oidc.watch.stop(), domain.audit.flush()]);
      await store.close();
    },
  };
}
