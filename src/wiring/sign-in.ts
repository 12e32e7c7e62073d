// The hosted sign-in: the page of each step, and the router that leads through them.
import { signInRoutes } from '../http/routes/sign-in/index.ts';
import { startUrlOf } from '../oidc/pages/client-on-page.ts';
import { createEnrol } from '../signin/enrol.ts';
import { createRedirects, type Redirects } from '../signin/redirecting.ts';
import { createFindProvedSession } from '../signin/step-up-session.ts';
import { createEnrolmentPage } from '../signin/steps/enrol-factor/page.ts';
import { createNewPasswordPage } from '../signin/steps/new-password/page.ts';
import { createRenew } from '../signin/steps/new-password/renew.ts';
import type { StepPage } from '../signin/steps/page.ts';
import { createFlowRecoveryCodes } from '../signin/steps/recovery-codes/codes.ts';
import { createRecoveryCodesPage } from '../signin/steps/recovery-codes/page.ts';
import { createSecondFactorPage } from '../signin/steps/second-factor/page.ts';
import { createSignInPage } from '../signin/steps/sign-in/page.ts';
import type { Infrastructure } from './infrastructure.ts';
import type { Proving } from './proving.ts';
import type { Parts } from './router-deps.ts';

export function signInRouter(infrastructure: Infrastructure, parts: Parts, proving: Proving) {
  const { config, log, store, tables, vault } = infrastructure;
  const { domain, site, factors, oidc } = parts;
  const redirects = createRedirects({ vault, issuer: config.issuer, log });
  return signInRoutes({
    store,
    factors,
    redirects,
    pages: stepPages(infrastructure, parts, proving, redirects),
    accounts: domain.accounts,
    accountTable: tables.accountTable,
    audit: domain.audit,
    browserSessions: oidc.browserSessions,
    consents: domain.consents,
    csrf: site.csrf,
    findProvedSession: createFindProvedSession(proving),
    finish: proving.finish,
    flashes: site.flashes,
    flows: domain.flows,
    givenUpAfter: config.sign_in.open_per_browser,
    interactions: oidc.interactions,
    prove: proving.prove,
    render: site.render,
    requesterCookies: site.requesterCookies,
    resourceToWords: site.resourceToWords,
    accessToWords: site.accessToWords,
    signInAudit: proving.signInAudit,
    startUrlOf: async (id) => startUrlOf(await oidc.provider().Client.find(id)),
    t: site.t,
  });
}

/** In the order of the steps. */
function stepPages(
  { config, store }: Infrastructure,
  { domain, site, factors, oidc }: Parts,
  proving: Proving,
  redirects: Redirects,
): readonly StepPage[] {
  const { csrf, render, t } = site;
  const { candidates } = config.password;
  const product = config.product.name;
  const requesterOf = site.requesterCookies.of;
  const kit = { csrf, render, t };
  const asking = {
    ...kit,
    factors,
    prove: proving.prove,
    sendChallenge: proving.sendChallenge,
    redirects,
    requesterOf,
    product,
    deviceDays: config.device.days,
  };
  return [
    createSignInPage(asking),
    createNewPasswordPage({
      ...kit,
      passwords: domain.passwords,
      renew: createRenew({ ...proving, candidates }),
      candidates,
    }),
    createSecondFactorPage(asking),
    createEnrolmentPage({
      ...kit,
      store,
      factors,
      flows: domain.flows,
      flashes: site.flashes,
      sessions: domain.sessions,
      browserSessions: oidc.browserSessions,
      enrol: createEnrol(proving),
      requesterOf,
    }),
    createRecoveryCodesPage({
      ...kit,
      flowRecoveryCodes: createFlowRecoveryCodes(proving),
      recoveryCodes: domain.recoveryCodes,
      product,
    }),
  ];
}
