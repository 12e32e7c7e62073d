// The doors of the house: pages, links, the account page, JSON.
import { createDisowning } from '../domain/disowning.ts';
import { createPasswordResets } from '../domain/password-resets.ts';
import { createWaysOut } from '../domain/ways-out.ts';
import { accountRoutes } from '../http/routes/account/index.ts';
import { apiRoutes } from '../http/routes/api/index.ts';
import { forgotPasswordRoutes } from '../http/routes/forgot-password.ts';
import { notMeRoutes } from '../http/routes/not-me.ts';
import { resetPasswordRoutes } from '../http/routes/reset-password.ts';
import { signInRoutes } from '../http/routes/sign-in.ts';
import { testClockRoutes } from '../http/routes/test-clock.ts';
import type { AskLibrary } from '../oidc/ask-library.ts';
import { createAuthenticateClient } from '../oidc/client-authentication.ts';
import { createDirectSessions } from '../oidc/direct-sessions.ts';
import { createSignOutDirectly } from '../oidc/direct-sign-out.ts';
import { createDirectTokens } from '../oidc/direct-tokens.ts';
import { clientOnPage, entranceOf } from '../oidc/pages.ts';
import { createAddPhone } from '../signin/add-phone.ts';
import { createSignInAudit } from '../signin/audit-events.ts';
import { createFlowBackupCodes } from '../signin/backup-codes.ts';
import { createSendChallenge } from '../signin/challenge.ts';
import { createChangePassword } from '../signin/change-password.ts';
import { createAccountCredentials } from '../signin/credentials.ts';
import { createSignInDirectly } from '../signin/direct.ts';
import { createEnrol } from '../signin/enrol.ts';
import { createFinish } from '../signin/finish.ts';
import { createFindKnown } from '../signin/known.ts';
import { createNewBackupCodes } from '../signin/new-backup-codes.ts';
import { createProve, createProveAgain } from '../signin/prove.ts';
import { createRenew } from '../signin/renew.ts';
import type { Domain } from './domain.ts';
import type { Ground } from './ground.ts';
import type { Parts } from './parts.ts';
import type { Site } from './site.ts';

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

export function createRouters(ground: Ground, parts: RouterParts) {
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
      givenUpAfter: config.sign_in.open_per_browser,
      candidates,
      renew: createRenew({ ...proving, candidates }),
      entranceOf: async (id) => entranceOf(await oidc.provider().Client.find(id)),
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
    support: config.support.contact,
    defaultClientId: config.api.default_client_id,
    directTokens: createDirectTokens({ askLibrary, provider, sessionTable: tables.sessions }),
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
  const needs = { ...domain, store, accounts: tables.accounts };
  const resets = createPasswordResets(needs);
  return [
    forgotPasswordRoutes({ ...site, resets, linkLifetime: config.ttl.reset_link }),
    resetPasswordRoutes({ ...site, ...domain, resets, issuer: config.issuer }),
    notMeRoutes({ ...site, ...domain, disowning: createDisowning(needs) }),
  ];
}
