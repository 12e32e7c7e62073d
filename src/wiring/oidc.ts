// The library, built anew for other keys, and what asks it.
import type { Context, Middleware } from 'koa';
import { watchKeys } from '../domain/key-watch.ts';
import type { KeyRing } from '../domain/keys.ts';
import type { ProveCode } from '../domain/service-accounts/codes.ts';
import { buildFixedAnswers, type FixedAnswers } from '../http/fixed-answers.ts';
import { fixIssuer } from '../http/middleware/issuer.ts';
import { noteFailure } from '../http/middleware/library.ts';
import { createProviderPages } from '../http/provider-pages.ts';
import { createBackchannelLogout } from '../oidc/backchannel.ts';
import { type BrowserBinding, createBrowserBinding } from '../oidc/browser-binding.ts';
import { createBrowserSessions } from '../oidc/browser-sessions.ts';
import { createClientRegistry } from '../oidc/client-registry.ts';
import { createInteractions } from '../oidc/interactions.ts';
import type { ProviderPages } from '../oidc/pages.ts';
import { buildProvider } from '../oidc/provider.ts';
import { noteSignOut } from '../oidc/sign-out.ts';
import { createProveCode } from '../signin/prove-code.ts';
import type { Domain } from './domain.ts';
import type { Ground } from './ground.ts';
import type { Site } from './site.ts';

const WELL_KNOWN = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

export type Oidc = Awaited<ReturnType<typeof createOidc>>;

export async function createOidc(ground: Ground, domain: Domain, site: Site) {
  const { config, log, tables } = ground;
  const { audit, keys } = domain;
  const givenUpAfter = config.sign_in.open_per_browser;
  const pages = createProviderPages({ ...site, accounts: domain.accounts, givenUpAfter });
  const authenticators = domain.serviceAccountAuthenticators;
  const proveCode = createProveCode({ ...ground, ...domain, authenticators });
  const browserBinding = createBrowserBinding(ground.vault, config.issuer);
  const knownBrowserOf = (ctx: Context) =>
    domain.knownBrowsers.findAny(site.visitors.of(ctx).browser);
  const needs = { ...domain, pages, proveCode, browserBinding, knownBrowserOf };
  const build = (ring: KeyRing) => buildOidc(ground, { ...needs, keys: ring });
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
    clients: createClientRegistry({ ...ground, clients: tables.clients, audit, provider }),
    interactions: createInteractions({
      ...ground,
      artifacts: tables.artifacts,
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
async function buildOidc(ground: Ground, needs: OidcNeeds) {
  const built = buildProvider({ ...ground, ...needs });
  const { provider, protocol } = built;
  provider.on('server_error', noteFailure);
  provider.on('end_session.error', noteSignOut(ground.log));
  fixIssuer(provider, ground.config.issuer);
  const paths = [...WELL_KNOWN, provider.pathFor('jwks')];
  return { ...built, fixed: await buildFixedAnswers(provider, protocol, paths) };
}
