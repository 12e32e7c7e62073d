// The APIs that tokens are made for, and the scopes that there are.
import type { Config, Resource } from '../config/schema.ts';

/** About people. Those of resources are configuration. */
export const OIDC_SCOPES: readonly string[] = ['openid', 'profile', 'email', 'offline_access'];

export function ownApi({ issuer }: Pick<Config, 'issuer'>): string {
  return `${issuer}/api`;
}

/** The configured resources and, unless configured otherwise, our own API. */
export function allResources(config: Pick<Config, 'issuer' | 'resources'>): readonly Resource[] {
  const identifier = ownApi(config);
  if (config.resources.some((each) => each.identifier === identifier)) return config.resources;
  const own: Resource = { identifier, scopes: [], signing_alg: 'RS256', token_format: 'jwt' };
  return [...config.resources, own];
}
