// The rules, over the tables.
import { createAccountsDomain } from '../domain/accounts.ts';
import { createAudit } from '../domain/audit/audit.ts';
import { createAuthenticatorsDomain } from '../domain/authenticators.ts';
import { createBackupCodesDomain } from '../domain/backup-codes.ts';
import { createConnections } from '../domain/connections.ts';
import { createConsentsDomain } from '../domain/consents.ts';
import { createKeysDomain } from '../domain/keys.ts';
import { createKnownBrowsers } from '../domain/known-browsers.ts';
import { createLimits } from '../domain/limits/limits.ts';
import { createOneTimeLinks } from '../domain/links.ts';
import { createMails } from '../domain/mails.ts';
import { createMfa } from '../domain/mfa.ts';
import { createNewBrowsers } from '../domain/new-browsers.ts';
import { createNotices } from '../domain/notices.ts';
import { createPasswordPolicy } from '../domain/passwords/policy.ts';
import { createPhonesDomain } from '../domain/phones.ts';
import { createServiceAccountsDomain } from '../domain/service-accounts/service-accounts.ts';
import { createSessionsDomain } from '../domain/sessions.ts';
import { createSms } from '../domain/sms.ts';
import { createTrustedDevices } from '../domain/trusted-devices.ts';
import { createFlowsDomain } from '../signin/flow.ts';
import type { Ground } from './ground.ts';

export type Domain = ReturnType<typeof createDomain>;

export function createDomain(ground: Ground, requiredSince: number) {
  const { config, log, store, tables, vault, hashing } = ground;
  const audit = createAudit({
    store,
    log,
    events: tables.auditEvents,
    counts: tables.auditCounts,
  });
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
  const links = createOneTimeLinks({ config, store, links: tables.links, vault });
  const notices = createNotices({ outbox: tables.outbox, vault });
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
    links,
    mails: createMails({ outbox: tables.outbox, vault }),
    notices,
    newBrowsers: createNewBrowsers({ config, links, notices, audit }),
    sms,
    phones: createPhonesDomain({ product: config.product.name, phones: tables.phones, sms, vault }),
  };
}
