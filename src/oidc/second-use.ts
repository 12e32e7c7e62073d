// What a second use of a spent code or token means: a double submit, a reuse, or a theft.
import { now } from '../lib/clock.ts';
import type { FoundArtifact } from '../store/artifacts.ts';
import type { Ctx } from './types.ts';
import { workOf } from './work.ts';

export const REFRESH = 'RefreshToken';

/** Milliseconds within which a second use of a device code is a double submit, not a theft. */
const DOUBLE_SUBMIT = 5_000;

/**
 * A double submit is refused, but what the first use brought isn't revoked. For an authorization
 * code, the request must have started before the code was spent. At other endpoints than the token
 * endpoint (revocation, introspection) a spent value just counts as spent.
 */
export function isDoubleSubmit(model: string, found: FoundArtifact, ctx: Ctx | undefined): boolean {
  if (found.consumedAt === undefined || ctx?.oidc.route !== 'token') return false;
  if (model === 'DeviceCode') return now() - found.consumedAt < DOUBLE_SUBMIT;
  return model === 'AuthorizationCode' && (workOf(ctx)?.startedAt ?? 0) <= found.consumedAt;
}

/**
 * Whether a spent refresh token is still accepted. RFC 9700, 4.14.2 lets the server decide: a lost
 * answer and parallel requests are far more frequent than a theft. Once the family has ended, none of
 * its tokens is found.
 * @param interval milliseconds
 */
export function isReuse(
  model: string,
  { consumedAt }: FoundArtifact,
  ctx: Ctx | undefined,
  interval: number,
): boolean {
  const isUsed = model === REFRESH && consumedAt !== undefined && ctx?.oidc.route === 'token';
  return isUsed && now() - consumedAt < interval;
}
