// The composition root: configuration → store → domain → methods → provider → pages.

import type Koa from 'koa';
import type Provider from 'oidc-provider';
import type { Config } from './config/schema.ts';
import type { Accounts } from './domain/accounts/accounts.ts';
import { type AllowAddresses, createAllowAddresses } from './domain/accounts/allowed-addresses.ts';
import type { KnownBrowsers } from './domain/accounts/known-browsers.ts';
import type { OneTimeLinks } from './domain/accounts/links.ts';
import { findRequiredSince } from './domain/accounts/mfa.ts';
import { type AccountOperations, createAccountOperations } from './domain/accounts/operations.ts';
import { createUpdateProfile, type UpdateProfile } from './domain/accounts/profile.ts';
import { allAttributes } from './domain/attributes/attributes.ts';
import type { Audit } from './domain/audit/audit.ts';
import type { Keys } from './domain/keys/keys.ts';
import { loadMasterKey } from './domain/keys/master-key.ts';
import type { Limits } from './domain/limits/limits.ts';
import { createClockSkew } from './domain/nodes/clock-skew.ts';
import { createNode, type Node } from './domain/nodes/node.ts';
import { createTestClock } from './domain/nodes/test-clock.ts';
import type { Mails } from './domain/notices/mails.ts';
import { createHashing, type Hashing } from './domain/passwords/hashing.ts';
import type { PasswordPolicy } from './domain/passwords/policy.ts';
import { BACKCHANNEL_LOGOUT } from './domain/sessions/sessions.ts';
import type { Phones, RecoveryCodes } from './factors/index.ts';
import { createFactors, type Factor, type FactorNeeds } from './factors/index.ts';
import { createDraining, type Draining } from './http/draining.ts';
import type { FixedAnswers } from './http/fixed-answers.ts';
import { createImport, type ImportAccounts } from './import/import.ts';
import { replaceDate } from './lib/clock.ts';
import { createLog, type Log } from './lib/log.ts';
import { createVault } from './lib/vault.ts';
import { startDelivery } from './messages/deliver.ts';
import type { ClientRegistry } from './oidc/client-registry.ts';
import type { ServiceAccounts } from './service-accounts/service-accounts.ts';
import { createResetFactors, type ResetFactors } from './signin/reset-factors.ts';
import { migrateUp, type Opening } from './store/migrate.ts';
import { addressOf, openStore } from './store/open.ts';
import type { SettingTable } from './store/settings.ts';
import type { Store } from './store/store.ts';
import type { Translate } from './web/catalogue.ts';
import type { Render } from './web/render.ts';
import { createMessengers } from './wiring/deliveries.ts';
import { createDomain } from './wiring/domain.ts';
import { createApp } from './wiring/middleware.ts';
import { createOidc } from './wiring/oidc.ts';
import { openTables } from './wiring/tables.ts';
import { createSite } from './wiring/web-kit.ts';

/** What stands without any HTTP: enough for commands. */
export interface Core {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly accounts: Accounts;
  readonly importAccounts: ImportAccounts;
  readonly updateProfile: UpdateProfile;
  readonly operations: AccountOperations;
  readonly allowAddresses: AllowAddresses;
  readonly links: OneTimeLinks;
  readonly mails: Mails;
  readonly clients: ClientRegistry;
  readonly serviceAccounts: ServiceAccounts;
  readonly keys: Keys;
  readonly passwords: PasswordPolicy;
  readonly hashing: Hashing;
  readonly factors: readonly Factor[];
  readonly limits: Limits;
  readonly settingTable: SettingTable;
  readonly audit: Audit;
  readonly knownBrowsers: KnownBrowsers;
  readonly recoveryCodes: RecoveryCodes;
  readonly phones: Phones;
  readonly resetFactors: ResetFactors;
  readonly render: Render;
  readonly t: Translate;
  readonly app: Koa;
  readonly provider: () => Provider;
  readonly fixed: FixedAnswers;
  readonly draining: Draining;
  readonly node: Node;
  /** Looks for changed signing keys now, as every process does every few seconds. */
  renewKeys(): Promise<void>;
  /** Delivers what is due in the outbox. @returns how many letters arrived */
  deliver(): Promise<number>;
  close(): Promise<void>;
}

export interface Options {
  /** Replaces the list of methods, for a test that adds one. */
  readonly factors?: (needs: FactorNeeds) => readonly Factor[];
  /** Replaces argon2, for tests that are about something else. */
  readonly hashing?: (config: Config) => Hashing;
  /** Whether a database that is not there is made. */
  readonly opening?: Opening;
}

/** Opens the store, brings its tables up, makes what is missing, and wires everything. */
export async function openCore(config: Config, options: Options = {}): Promise<Core> {
  if (config.test_clock) replaceDate();
  const log = createLog(config.log_level);
  await migrateUp(addressOf(config), options.opening);
  const store = openStore(config, log);
  try {
    return await compose(config, store, log, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function compose(config: Config, store: Store, log: Log, options: Options): Promise<Core> {
  const tables = openTables(store);
  const clockSkew = createClockSkew({ store, log });
  await clockSkew.measure();
  const clock = createTestClock(tables.settingTable);
  if (config.test_clock) await clock.sync();
  const vault = createVault(loadMasterKey(config));
  const hashing = (options.hashing ?? createHashing)(config);
  const infrastructure = { config, log, store, tables, vault, hashing };
  const requiredSince = await findRequiredSince(config.mfa, tables.settingTable);
  const domain = createDomain(infrastructure, requiredSince);
  await domain.keys.ensure();
  const site = createSite(infrastructure);
  const factors = (options.factors ?? createFactors)({
    ...domain,
    config: config.password,
    product: config.product.name,
    vault,
    log,
  });
  const oidc = await createOidc(infrastructure, domain, site);
  clock.whenMoved(oidc.watch.tryToLook);
  const draining = createDraining();
  const node = createNode({ store, log, nodeTable: tables.nodeTable, clockSkew });
  const app = createApp(infrastructure, { node, domain, site, factors, oidc, clock }, draining);
  const delivery = startDelivery({
    store,
    log,
    outboxTable: tables.outboxTable,
    kinds: {
      [BACKCHANNEL_LOGOUT]: oidc.backchannelLogout,
      ...createMessengers(infrastructure, domain, site),
    },
  });
  const resetFactors = createResetFactors({
    ...domain,
    accountTable: tables.accountTable,
    factors,
  });
  return {
    config,
    log,
    store,
    factors,
    app,
    fixed: oidc.fixed,
    draining,
    node,
    accounts: domain.accounts,
    updateProfile: createUpdateProfile({ ...domain, store, accountTable: tables.accountTable }),
    importAccounts: createImport({
      ...domain,
      store,
      accountTable: tables.accountTable,
      attributes: allAttributes(config),
    }),
    operations: createAccountOperations({
      ...domain,
      store,
      accountTable: tables.accountTable,
      resetFactors,
    }),
    allowAddresses: createAllowAddresses({ ...domain, store, accountTable: tables.accountTable }),
    links: domain.links,
    mails: domain.mails,
    limits: domain.limits,
    settingTable: tables.settingTable,
    audit: domain.audit,
    knownBrowsers: domain.knownBrowsers,
    recoveryCodes: domain.recoveryCodes,
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
