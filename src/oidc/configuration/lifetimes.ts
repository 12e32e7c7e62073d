// How long each thing that oidc-provider stores is valid, in seconds.
import type { RefreshToken } from 'oidc-provider';
import type { Config } from '../../config/schema.ts';
import { nowSeconds } from '../../lib/clock.ts';

export function createLifetimes({ ttl }: Pick<Config, 'ttl'>) {
  return {
    AccessToken: ttl.access_token,
    ClientCredentials: ttl.access_token,
    AuthorizationCode: ttl.code,
    IdToken: ttl.id_token,
    DeviceCode: ttl.device_code,
    Interaction: ttl.interaction,
    Session: ttl.session,
    // With offline_access, the Grant must outlive its session.
    Grant: ttl.offline_family,
    RefreshToken: (_ctx: unknown, { iiat, iat }: RefreshToken): number => {
      const familyEnds = (iiat ?? iat) + ttl.offline_family;
      return Math.max(1, Math.min(ttl.refresh_token, familyEnds - nowSeconds()));
    },
  };
}
