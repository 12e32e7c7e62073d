// Every request goes through this, from the top to the bottom.
import Koa, { type Middleware } from 'koa';
import { rememberForwarding } from '../domain/untrusted-forwarding.ts';
import type { Draining } from '../http/draining.ts';
import { admitAssertions } from '../http/middleware/assertions.ts';
import { boundRequests, plainAccept } from '../http/middleware/bounds.ts';
import { admitEmptySecrets } from '../http/middleware/empty-secrets.ts';
import { catchErrors } from '../http/middleware/errors.ts';
import { noteForwarding } from '../http/middleware/forwarding.ts';
import { fixIssuer } from '../http/middleware/issuer.ts';
import { raiseFailures, refuseOtherSpellings } from '../http/middleware/library.ts';
import { refuseOtherMethods } from '../http/middleware/methods.ts';
import { refuseForeignForms } from '../http/middleware/own-forms.ts';
import { askByAddress } from '../http/middleware/posted-requests.ts';
import { logRefusals } from '../http/middleware/refusal-log.ts';
import { requestContext } from '../http/middleware/request.ts';
import { refuseBrokenUrls, securityHeaders } from '../http/middleware/security.ts';
import { refuseLargeRequests } from '../http/middleware/small-requests.ts';
import { recordTrace } from '../http/middleware/trace-audit.ts';
import { healthRoutes } from '../http/routes/health.ts';
import { syncTestClock } from '../http/routes/test-clock.ts';
import { cookieNames } from '../oidc/cookies.ts';
import { createInject } from '../oidc/internal-request.ts';
import { answerLibraryCookies, dropOldCookies } from '../oidc/library-cookies.ts';
import { prefillUserCode } from '../oidc/pages/device.ts';
import { endLateSignIns } from '../oidc/pages/late-sign-in.ts';
import { createLostRaceAnswers } from '../oidc/pages/lost-races.ts';
import { inTurn } from '../oidc/provider.ts';
import { recordRefusedClients } from '../oidc/refusals.ts';
import { ROUTES } from '../oidc/routes.ts';
import { SERVICE_ACCOUNT_TOKEN } from '../oidc/service-account-client.ts';
import { createSignOut } from '../oidc/sign-out.ts';
import { unitOfWork } from '../oidc/work.ts';
import type { Infrastructure } from './infrastructure.ts';
import type { Parts } from './router-deps.ts';
import { createRouters } from './routers.ts';

const { token, userinfo, introspection, revocation } = ROUTES;
const HASTY = new Set([
  ...[token, userinfo, introspection, revocation],
  ...['/v1/auth/refresh', SERVICE_ACCOUNT_TOKEN, '/v1/auth/logout'],
  ...['/health/live', '/health/ready'],
]);

export function createApp(infrastructure: Infrastructure, parts: Parts, draining: Draining): Koa {
  const { config, log, store, tables, vault } = infrastructure;
  const { domain, site, oidc, clock } = parts;
  const app = new Koa();
  app.keys = [...vault.cookieKeys];
  app.silent = true;
  fixIssuer(app, config.issuer);
  const lostRaces = createLostRaceAnswers(oidc.pages);
  const names = cookieNames(config.issuer);
  const unit = unitOfWork(store, names.session, lostRaces);
  const library = inTurn([
    recordRefusedClients(domain.audit),
    raiseFailures(log),
    boundRequests,
    refuseLargeRequests,
    admitEmptySecrets,
    admitAssertions(oidc.tokenPath),
    answerLibraryCookies(names),
    oidc.protocol,
  ]);
  const inject = createInject(app, unit, library);
  const routers = createRouters(infrastructure, { ...parts, inject }).map((router) =>
    router.routes(),
  );
  const health = healthRoutes({
    isReady: parts.node.isReady,
    clockSkew: parts.node.clockSkew,
    draining,
  }).routes();
  const remember = (peer: string, at: number) => rememberForwarding(tables.settingTable, peer, at);
  const stack = [
    plainAccept,
    requestContext(site.addressOf, HASTY),
    noteForwarding({ config, log, remember }),
    logRefusals(log),
    recordTrace({ ...domain, keyOf: oidc.interactions.keyOf }),
    catchErrors({ log, ...site }),
    securityHeaders(config.issuer),
    refuseBrokenUrls,
    dropOldCookies(names),
    refuseForeignForms(config.issuer),
    health as unknown as Middleware,
    site.assets.middleware,
    ...(config.test_clock ? [syncTestClock(clock)] : []),
    ...(routers as unknown as Middleware[]),
    refuseOtherSpellings,
    refuseOtherMethods,
    askByAddress,
    createSignOut(oidc.provider),
    prefillUserCode(oidc.provider),
    endLateSignIns(oidc.provider, oidc.pages),
    unit,
    library,
  ];
  for (const each of stack) app.use(each);
  return app;
}
