// Methods: an address that exists and does not take one answers 405 and names those it takes.
import type { Middleware } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import { DISCOVERY_PATHS, ROUTES } from '../../oidc/routes.ts';

const READ = ['GET', 'HEAD'];
const BOTH = [...READ, 'POST'];
const POST = ['POST'];

/** The addresses that the library answers. */
const LIBRARY: Readonly<Record<string, readonly string[]>> = {
  [ROUTES.authorization]: BOTH,
  [ROUTES.token]: POST,
  [ROUTES.userinfo]: BOTH,
  [ROUTES.jwks]: READ,
  [ROUTES.introspection]: POST,
  [ROUTES.revocation]: POST,
  [ROUTES.end_session]: BOTH,
  [ROUTES.pushed_authorization_request]: POST,
  [ROUTES.code_verification]: BOTH,
  [ROUTES.device_authorization]: POST,
  ...Object.fromEntries(DISCOVERY_PATHS.map((path) => [path, READ])),
};

interface Matched {
  /** Of our own routers: those of this path, whatever their method. */
  readonly matched?: ReadonlyArray<{ readonly methods: readonly string[] }>;
}

/** Belongs after our own routers, which pass on what they don't answer. */
export const refuseOtherMethods: Middleware = (ctx, next) => {
  const own = (ctx as Matched).matched?.flatMap(({ methods }) => methods) ?? [];
  const taken = LIBRARY[ctx.path] ?? own;
  // Applications in browsers ask with OPTIONS what they may send.
  if (taken.length === 0 || ctx.method === 'OPTIONS' || taken.includes(ctx.method)) return next();
  throw new GatehouseError('method_not_allowed', { allow: [...new Set(taken)] });
};
