// Checks the assertion by which a client authenticates (private_key_jwt, RFC 7523).
import { errors } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { nowSeconds } from '../lib/clock.ts';
import type { ClientExtras } from './client-extras.ts';

/** Seconds by which another machine's clock may differ from ours (FAPI 2.0, 5.3.2.1). */
export const CLOCK_TOLERANCE = 10;

/** Seconds. */
const LONGEST_ASSERTION = 3600;

/** Already checked by oidc-provider: `exp`, `iat` and `nbf` are numbers, and `nbf` is past. */
type Claims = Readonly<Partial<Record<'aud' | 'exp' | 'iat', unknown>>>;

/**
 * Requires the issuer as the only audience: a receiver of an assertion for several parties, or for
 * one endpoint, could pass it on. An assertion from the future would outlive its key, and a
 * long-lived one would have to be remembered as long.
 */
export function createAssertClientAssertion({ issuer }: Pick<Config, 'issuer'>, token: string) {
  const tokenEndpoint = `${issuer}${token}`;
  return async (_ctx: unknown, claims: Claims, _header: unknown, client: ClientExtras) => {
    const { aud, exp, iat = 0 } = claims;
    const isOld = client.client_assertion_audience === 'token_endpoint';
    if (aud !== issuer && !(isOld && aud === tokenEndpoint)) {
      const cure = 'clients that send the token endpoint need client_assertion_audience';
      throw new errors.InvalidClientAuth(`aud must be the issuer, as one string: ${cure}`);
    }
    if (Number(iat) > nowSeconds() + CLOCK_TOLERANCE) {
      throw new errors.InvalidClientAuth('iat is in the future, by more than clocks may differ');
    }
    if (Number(exp) > nowSeconds() + LONGEST_ASSERTION) {
      throw new errors.InvalidClientAuth('the assertion expires more than an hour from now');
    }
  };
}
