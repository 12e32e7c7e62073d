// All tables, opened once.

import { createBackupCodeTable } from '../factors/backup-codes/table.ts';
import { createPhoneTable } from '../factors/sms/table.ts';
import { createAuthenticatorTable } from '../factors/totp/table.ts';
import { createServiceAccountTable } from '../service-accounts/table.ts';
import { createAccountTable } from '../store/accounts.ts';
import { createArtifactTable } from '../store/artifacts.ts';
import { createAuditEventTable } from '../store/audit.ts';
import { createAuditCountTable } from '../store/audit-counts.ts';
import { createClientTable } from '../store/clients.ts';
import { createConsentTable } from '../store/consents.ts';
import { createFlowTable } from '../store/flows.ts';
import { createKnownBrowserTable } from '../store/known-browsers.ts';
import { createCounterTable } from '../store/limits.ts';
import { createLinkTable } from '../store/links.ts';
import { createNodeTable } from '../store/nodes.ts';
import { createOutboxTable } from '../store/outbox.ts';
import { createSessionTable } from '../store/sessions.ts';
import { createSettingTable } from '../store/settings.ts';
import { createSigningKeyTable } from '../store/signing-keys.ts';
import type { Store } from '../store/store.ts';
import { createTrustedDeviceTable } from '../store/trusted-devices.ts';

export type Tables = ReturnType<typeof openTables>;

export function openTables(store: Store) {
  return {
    settingTable: createSettingTable(store),
    accountTable: createAccountTable(store),
    clientTable: createClientTable(store),
    signingKeyTable: createSigningKeyTable(store),
    artifactTable: createArtifactTable(store),
    sessionTable: createSessionTable(store),
    flowTable: createFlowTable(store),
    consentTable: createConsentTable(store),
    outboxTable: createOutboxTable(store),
    counterTable: createCounterTable(store),
    knownBrowserTable: createKnownBrowserTable(store),
    auditEventTable: createAuditEventTable(store),
    auditCountTable: createAuditCountTable(store),
    authenticatorTable: createAuthenticatorTable(store),
    serviceAccountTable: createServiceAccountTable(store),
    serviceAccountAuthenticatorTable: createAuthenticatorTable(
      store,
      'service_account_authenticators',
    ),
    phoneTable: createPhoneTable(store),
    backupCodeTable: createBackupCodeTable(store),
    trustedDeviceTable: createTrustedDeviceTable(store),
    linkTable: createLinkTable(store),
    nodeTable: createNodeTable(store),
  };
}
