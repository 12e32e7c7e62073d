// The library, built anew for other keys, and what asks it.

import type { Context, Middleware } from 'koa';
import { personScopes } from '../domain/attributes/attributes.ts';
import type { KeyRing } from '../domain/keys/keys.ts';
import { watchKeys } from '../domain/keys/watch.ts';
import { buildFixedAnswers, type FixedAnswers } from '../http/fixed-answers.ts';
import { fixIssuer } from '../http/middleware/issuer.ts';
import { noteFailure } from '../http/middleware/library.ts';
import { createProviderPages } from '../http/provider-pages.ts';
import { createBackchannelLogout } from '../oidc/backchannel.ts';
import { type BrowserBinding, createBrowserBinding } from '../oidc/browser-binding.ts';
import { createBrowserSessions } from '../oidc/browser-sessions.ts';
import { createClientRegistry } from '../oidc/client-registry.ts';
import { createInteractions } from '../oidc/interactions.ts';
import type { ProviderPages } from '../oidc/pages/provider-pages.ts';
import { buildProvider } from '../oidc/provider.ts';
import { DISCOVERY_PATHS } from '../oidc/routes.ts';
import { noteSignOut } from '../oidc/sign-out.ts';
import type { ProveCode } from '../service-accounts/codes.ts';
import { createProveCode } from '../service-accounts/prove-code.ts';
import type { Domain } from './domain.ts';
import type { Infrastructure } from './infrastructure.ts';
import type { Site } from './web-kit.ts';

export type Oidc = Awaited<ReturnType<typeof createOidc>>;

export async function createOidc(infrastructure: Infrastructure, domain: Domain, site: Site) {
  const { config, log, tables } = infrastructure;
  const { audit, keys } = domain;
  const givenUpAfter = config.sign_in.open_per_browser;
  const pages = createProviderPages({ ...site, accounts: domain.accounts, givenUpAfter });
  const authenticators = domain.serviceAccountAuthenticators;
  const proveCode = createProveCode({ ...infrastructure, ...domain, authenticators });
  const browserBinding = createBrowserBinding(infrastructure.vault, config.issuer);
  const knownBrowserOf = (ctx: Context) =>
    domain.knownBrowsers.findAny(site.requesterCookies.of(ctx).browser);
  const needs = { ...domain, pages, proveCode, browserBinding, knownBrowserOf };
  const build = (ring: KeyRing) => buildOidc(infrastructure, { ...needs, keys: ring });
  const watch = await watchKeys({ keys, log, build });
  const provider = () => watch.current().provider;
  const protocol: Middleware = (ctx, next) => watch.current().protocol(ctx, next);
  const fixed: FixedAnswers = {
    handle: (...exchange) => watch.current().fixed.handle(...exchange),
  };
  return {
    provider,
    watch,
    tokenPath: () => provider().pathFor('token'),
    pages,
    protocol,
    fixed,
    clients: createClientRegistry({
      ...infrastructure,
      clientTable: tables.clientTable,
      audit,
      provider,
      scopes: personScopes(infrastructure.config),
    }),
    interactions: createInteractions({
      ...infrastructure,
      artifactTable: tables.artifactTable,
      provider,
      browserBinding,
    }),
    browserSessions: createBrowserSessions(config, provider),
    backchannelLogout: createBackchannelLogout(watch.current),
  };
}

type OidcNeeds = Omit<Domain, 'keys'> & {
  readonly pages: ProviderPages;
  readonly proveCode: ProveCode;
  readonly browserBinding: BrowserBinding;
  readonly knownBrowserOf: (ctx: Context) => Promise<string | undefined>;
  readonly keys: KeyRing;
};

/** All that hangs on the keys. */
async function buildOidc(infrastructure: Infrastructure, needs: OidcNeeds) {
  const built = buildProvider({ ...infrastructure, ...needs });
  const { provider, protocol } = built;
  provider.on('server_error', noteFailure);
  provider.on('end_session.error', noteSignOut(infrastructure.log));
  fixIssuer(provider, infrastructure.config.issuer);
  const paths = [...DISCOVERY_PATHS, provider.pathFor('jwks')];
  return { ...built, fixed: await buildFixedAnswers(provider, protocol, paths) };
}
