// All tables, opened once.
import { createAccounts } from './accounts.ts';
import { createArtifacts } from './artifacts.ts';
import { createAuditEvents } from './audit.ts';
import { createAuditCounts } from './audit-counts.ts';
import { createAuthenticators } from './authenticators.ts';
import { createBackupCodes } from './backup-codes.ts';
import { createClients } from './clients.ts';
import { createConsents } from './consents.ts';
import { createFlows } from './flows.ts';
import { createKnownBrowsers } from './known-browsers.ts';
import { createCounters } from './limits.ts';
import { createLinks } from './links.ts';
import { createNodes } from './nodes.ts';
import { createOutbox } from './outbox.ts';
import { createPhones } from './phones.ts';
import { createServiceAccounts } from './service-accounts.ts';
import { createSessions } from './sessions.ts';
import { createSettings } from './settings.ts';
import { createSigningKeys } from './signing-keys.ts';
import type { Store } from './store.ts';
import { createTrustedDevices } from './trusted-devices.ts';

export type Tables = ReturnType<typeof openTables>;

export function openTables(store: Store) {
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
    knownBrowsers: createKnownBrowsers(store),
    auditEvents: createAuditEvents(store),
    auditCounts: createAuditCounts(store),
    authenticators: createAuthenticators(store),
    serviceAccounts: createServiceAccounts(store),
    serviceAccountAuthenticators: createAuthenticators(store, 'service_account_authenticators'),
    phones: createPhones(store),
    backupCodes: createBackupCodes(store),
    trustedDevices: createTrustedDevices(store),
    links: createLinks(store),
    nodes: createNodes(store),
  };
}
