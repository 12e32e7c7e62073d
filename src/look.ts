// What commands need that only look: it makes no table, no key, no file, and sends nothing.

import type { Core } from './app.ts';
import type { Config } from './config/schema.ts';
import { knownRequiredSince } from './domain/accounts/mfa.ts';
import { allAttributes, personScopes } from './domain/attributes/attributes.ts';
import { findMasterKey } from './domain/keys/master-key.ts';
import { createClockSkew } from './domain/nodes/clock-skew.ts';
import { createTestClock } from './domain/nodes/test-clock.ts';
import { createHashing } from './domain/passwords/hashing.ts';
import { createImport } from './import/import.ts';
import { now, replaceDate } from './lib/clock.ts';
import { GatehouseError } from './lib/errors.ts';
import { randomId } from './lib/ids.ts';
import { createLog, type Log } from './lib/log.ts';
import { createVault } from './lib/vault.ts';
import { createClientRegistry } from './oidc/client-registry.ts';
import { pendingMigrations } from './store/migrate.ts';
import type { NodeTable } from './store/nodes.ts';
import { addressOf, openToRead } from './store/open.ts';
import type { Store } from './store/store.ts';
import { createDomain } from './wiring/domain.ts';
import { openTables } from './wiring/tables.ts';

/** The parts of a house that can be looked at. */
export interface Look extends LookedAt {
  readonly nodeTable: NodeTable;
  /** Milliseconds by which this machine's clock is ahead of the database's. */
  clockSkew(): number;
}

export type LookedAt = Pick<
  Core,
  | 'config'
  | 'store'
  | 'accounts'
  | 'importAccounts'
  | 'clients'
  | 'serviceAccounts'
  | 'keys'
  | 'settingTable'
  | 'close'
>;

/** Throws `store_missing` where there are no tables, or not those of this release. */
export async function openToLook(config: Config): Promise<Look> {
  if (config.test_clock) replaceDate();
  const pending = await pendingMigrations(addressOf(config));
  if (pending.length > 0) {
    const message = `The tables lack ${pending.join(', ')}: "gatehouse migrate" brings them up.`;
    throw new GatehouseError('store_missing', { message });
  }
  const log = createLog(config.log_level);
  const store = openToRead(config, log);
  try {
    return await look(config, store, log);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function look(config: Config, store: Store, log: Log): Promise<Look> {
  const tables = openTables(store);
  const clockSkew = createClockSkew({ store, log });
  await clockSkew.measure();
  if (config.test_clock) await createTestClock(tables.settingTable).sync();
  const vault = createVault(findMasterKey(config) ?? randomId(256));
  const infrastructure = { config, log, store, tables, vault, hashing: createHashing(config) };
  const since = (await knownRequiredSince(config.mfa, tables.settingTable)) ?? now();
  const domain = createDomain(infrastructure, since);
  const provider = () => {
    throw new Error("this command doesn't start the provider");
  };
  return {
    config,
    store,
    accounts: domain.accounts,
    importAccounts: createImport({
      ...domain,
      store,
      accountTable: tables.accountTable,
      attributes: allAttributes(config),
    }),
    clients: createClientRegistry({
      ...infrastructure,
      ...domain,
      clientTable: tables.clientTable,
      provider,
      scopes: personScopes(config),
    }),
    serviceAccounts: domain.serviceAccounts,
    keys: domain.keys,
    settingTable: tables.settingTable,
    nodeTable: tables.nodeTable,
    clockSkew: clockSkew.skew,
    close: () => store.close(),
  };
}
