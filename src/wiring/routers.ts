// The doors of the house: pages, links, the account page, JSON.

import { createDisowning } from '../domain/accounts/disowning.ts';
import { createPasswordResets } from '../domain/accounts/password-resets.ts';
import { createRevocations } from '../domain/accounts/revocations.ts';
import { accountRoutes } from '../http/routes/account/index.ts';
import { apiRoutes } from '../http/routes/api/index.ts';
import { forgotPasswordRoutes } from '../http/routes/forgot-password.ts';
import { notMeRoutes } from '../http/routes/not-me.ts';
import { resetPasswordRoutes } from '../http/routes/reset-password.ts';
import { testClockRoutes } from '../http/routes/test-clock.ts';
import { wellKnownRoutes } from '../http/routes/well-known.ts';
import { createAuthenticateClient } from '../oidc/client-authentication.ts';
import { createFirstPartySessions } from '../oidc/first-party-sessions.ts';
import { createSignOutFirstParty } from '../oidc/first-party-sign-out.ts';
import { createFirstPartyTokens } from '../oidc/first-party-tokens.ts';
import type { Inject } from '../oidc/internal-request.ts';
import { clientOnPage } from '../oidc/pages/client-on-page.ts';
import { createChangePassword } from '../signin/change-password.ts';
import { createAccountCredentials } from '../signin/credentials.ts';
import { createEnrol } from '../signin/enrol.ts';
import { createSignInFirstParty } from '../signin/first-party.ts';
import { createNewRecoveryCodes } from '../signin/new-recovery-codes.ts';
import { createProveAgain } from '../signin/prove.ts';
import type { Domain } from './domain.ts';
import type { Infrastructure } from './infrastructure.ts';
import { type Proving, provingOf } from './proving.ts';
import type { Parts } from './router-deps.ts';
import { signInRouter } from './sign-in.ts';
import type { Site } from './web-kit.ts';

type RouterParts = Parts & { readonly inject: Inject };
export function createRouters(infrastructure: Infrastructure, parts: RouterParts) {
  const { domain, site, factors, oidc, clock } = parts;
  const { config, tables } = infrastructure;
  const proving = provingOf(infrastructure, parts);
  const enrol = createEnrol(proving);
  return [
    ...(config.test_clock ? [testClockRoutes(clock)] : []),
    signInRouter(infrastructure, parts, proving),
    ...linkRouters(infrastructure, domain, site),
    wellKnownRoutes(),
    apiRouter(infrastructure, parts, proving),
    accountRoutes({
      ...infrastructure,
      ...site,
      ...domain,
      factors,
      enrol,
      issuer: config.issuer,
      product: config.product.name,
      sessionTable: tables.sessionTable,
      browserSessions: oidc.browserSessions,
      credentials: createAccountCredentials(proving),
      newRecoveryCodes: createNewRecoveryCodes({ ...proving, sessionTable: tables.sessionTable }),
      revocations: createRevocations(proving),
      changePassword: createChangePassword({ ...proving, proveAgain: createProveAgain(proving) }),
      findClient: async (id) => clientOnPage(await oidc.provider().Client.find(id)),
    }),
  ];
}

function apiRouter(infrastructure: Infrastructure, parts: RouterParts, proving: Proving) {
  const { config, tables } = infrastructure;
  const { domain, site, oidc, inject } = parts;
  const needs = { ...infrastructure, ...tables, ...domain, sessionTable: tables.sessionTable };
  const provider = oidc.provider;
  return apiRoutes({
    ...site,
    ...proving,
    issuer: config.issuer,
    support: config.support.contact,
    defaultClientId: config.api.default_client_id,
    firstPartyTokens: createFirstPartyTokens({
      inject,
      provider,
      sessionTable: tables.sessionTable,
    }),
    inject,
    tokenPath: oidc.tokenPath,
    authenticateClient: createAuthenticateClient(provider, inject),
    firstPartySessions: createFirstPartySessions({
      ...infrastructure,
      ...tables,
      provider,
      ending: domain.sessions,
    }),
    signInFirstParty: createSignInFirstParty(proving),
    signOutFirstParty: createSignOutFirstParty({ ...needs, provider }),
  });
}

function linkRouters({ config, store, tables }: Infrastructure, domain: Domain, site: Site) {
  const needs = { ...domain, store, accountTable: tables.accountTable };
  const resets = createPasswordResets(needs);
  return [
    forgotPasswordRoutes({ ...site, resets, linkLifetime: config.ttl.reset_link }),
    resetPasswordRoutes({ ...site, ...domain, resets, issuer: config.issuer }),
    notMeRoutes({ ...site, ...domain, disowning: createDisowning(needs) }),
  ];
}
