// The rules, over the tables.
import { createAccounts } from '../domain/accounts/accounts.ts';
import { createConnections } from '../domain/accounts/connections.ts';
import { createKnownBrowsers } from '../domain/accounts/known-browsers.ts';
import { createOneTimeLinks } from '../domain/accounts/links.ts';
import { createMfa } from '../domain/accounts/mfa.ts';
import { createNewBrowsers } from '../domain/accounts/new-browsers.ts';
import { createTrustedDevices } from '../domain/accounts/trusted-devices.ts';
import { createAudit } from '../domain/audit/audit.ts';
import { createConsents } from '../domain/consents/consents.ts';
import { createKeys } from '../domain/keys/keys.ts';
import { createLimits } from '../domain/limits/limits.ts';
import { createMails } from '../domain/notices/mails.ts';
import { createNotices } from '../domain/notices/notices.ts';
import { createSms } from '../domain/notices/sms.ts';
import { createPasswordPolicy } from '../domain/passwords/policy.ts';
import { createSessions } from '../domain/sessions/sessions.ts';
import { createBackupCodes } from '../factors/backup-codes/codes.ts';
import { createPhones } from '../factors/sms/phones.ts';
import { createAuthenticators } from '../factors/totp/authenticators.ts';
import { createServiceAccounts } from '../service-accounts/service-accounts.ts';
import { createFlows } from '../signin/flow.ts';
import type { Infrastructure } from './infrastructure.ts';

export type Domain = ReturnType<typeof createDomain>;

export function createDomain(infrastructure: Infrastructure, requiredSince: number) {
  const { config, log, store, tables, vault, hashing } = infrastructure;
  const audit = createAudit({
    store,
    log,
    auditEventTable: tables.auditEventTable,
    auditCountTable: tables.auditCountTable,
  });
  const passwords = createPasswordPolicy(config.password);
  const knownBrowsers = createKnownBrowsers({
    config: config.limits.known_browsers,
    knownBrowserTable: tables.knownBrowserTable,
    vault,
  });
  const { counterTable } = tables;
  const sms = createSms({ config, outboxTable: tables.outboxTable, vault });
  const serviceAccountAuthenticators = createAuthenticators(
    tables.serviceAccountAuthenticatorTable,
    vault,
  );
  const links = createOneTimeLinks({ config, store, linkTable: tables.linkTable, vault });
  const notices = createNotices({ outboxTable: tables.outboxTable, vault });
  const limits = createLimits({ config: config.limits, store, counterTable, knownBrowsers, vault });
  return {
    audit,
    limits,
    hashing,
    passwords,
    knownBrowsers,
    mfa: createMfa(config.mfa, requiredSince),
    authenticators: createAuthenticators(tables.authenticatorTable, vault),
    serviceAccountAuthenticators,
    recoveryCodes: createBackupCodes({ backupCodeTable: tables.backupCodeTable, vault }),
    trustedDevices: createTrustedDevices({
      config: config.device,
      trustedDeviceTable: tables.trustedDeviceTable,
      vault,
    }),
    accounts: createAccounts(store, tables.accountTable, { hashing, passwords, audit }),
    consents: createConsents(store, tables.consentTable, audit),
    connections: createConnections({ store, audit, ...tables }),
    serviceAccounts: createServiceAccounts({
      config,
      store,
      serviceAccountTable: tables.serviceAccountTable,
      authenticators: serviceAccountAuthenticators,
      artifactTable: tables.artifactTable,
      limits,
      audit,
    }),
    sessions: createSessions({ config, audit, ...tables }),
    flows: createFlows({ store, flowTable: tables.flowTable, ttl: config.ttl.sign_in }),
    keys: createKeys({ config, store, signingKeyTable: tables.signingKeyTable, vault, audit }),
    links,
    mails: createMails({ outboxTable: tables.outboxTable, vault }),
    notices,
    newBrowsers: createNewBrowsers({ config, links, notices, audit }),
    sms,
    phones: createPhones({
      product: config.product.name,
      phoneTable: tables.phoneTable,
      sms,
      vault,
    }),
  };
}
