// The attributes of this installation, and the scopes and claims that come with them.
import type { Config } from '../../config/schema.ts';
import {
  type Attribute,
  FIXED_CLAIMS,
  STANDARD_ATTRIBUTES,
} from '../../config/standard-attributes.ts';

export type { Attribute };

type Configured = Pick<Config, 'attributes'>;

/** The standard ones, then those of the configuration. */
export function allAttributes({ attributes }: Configured): readonly Attribute[] {
  return [
    ...STANDARD_ATTRIBUTES,
    ...attributes.map((each) => ({ ...each, claim: each.claim ?? each.name })),
  ];
}

/** Scopes about people. Those of resources are another matter. */
export function personScopes(config: Configured): readonly string[] {
  const ofAttributes = allAttributes(config).map(({ scope }) => scope);
  return [...new Set([...Object.keys(FIXED_CLAIMS), ...ofAttributes, 'offline_access'])];
}

/** Scope → the claims that it releases. */
export function claimsByScope(config: Configured): Readonly<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [scope, claims] of Object.entries(FIXED_CLAIMS)) found[scope] = [...claims];
  for (const { scope, claim } of allAttributes(config)) {
    found[scope] = [...new Set([...(found[scope] ?? []), claim])];
  }
  return found;
}

/** The scope that releases a claim; undefined for a claim that no scope releases. */
export function scopeOf(config: Configured, claim: string): string | undefined {
  const found = Object.entries(claimsByScope(config)).find(([, claims]) => claims.includes(claim));
  return found?.[0];
}
