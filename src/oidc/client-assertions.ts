// What an assertion must say by which a client proves who it is (private_key_jwt, RFC 7523).
import { errors } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { nowSeconds } from '../lib/clock.ts';
import type { ClientExtras } from './client-extras.ts';

/** Seconds that the clock of another machine may differ from ours (FAPI 2.0, 5.3.2.1). */
export const CLOCK_TOLERANCE = 10;

/** Seconds. */
const LONGEST_ASSERTION = 3600;

/** As the library has read it: `exp`, `iat` and `nbf` are numbers, `nbf` has come. */
type Claims = Readonly<Partial<Record<'aud' | 'exp' | 'iat', unknown>>>;

/**
 * An assertion for several parties, or for the address of one endpoint, could be passed on by
 * whoever else takes it. One from the future outlives its key's end, and one that is long good has
 * to be remembered as long.
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
      throw new errors.InvalidClientAuth('iat is further ahead than clocks may differ');
    }
    if (Number(exp) > nowSeconds() + LONGEST_ASSERTION) {
      throw new errors.InvalidClientAuth('the assertion expires later than an hour from now');
    }
  };
}
