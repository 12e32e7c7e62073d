// The APIs that tokens are made for, and the scopes that there are.
import type { Config, Resource } from '../../config/schema.ts';

export function ownApi({ issuer }: Pick<Config, 'issuer'>): string {
  return `${issuer}/api`;
}

/** What people read for a resource, and for what may be done there. */
export interface ResourceDescription {
  readonly name: string;
  /** Where it has a name: the identifier, too. */
  readonly identifier?: string;
  readonly scopes: ReadonlyArray<{ readonly name: string; readonly title: string }>;
}

export type DescribeResource = (
  identifier: string,
  scopes: readonly string[],
) => ResourceDescription;

/** One that is no longer configured is called by its identifier. */
export function createDescribeResource(resources: readonly Resource[]): DescribeResource {
  return (identifier, scopes) => {
    const { name, descriptions = {} } =
      resources.find((each) => each.identifier === identifier) ?? {};
    return {
      ...(name === undefined ? { name: identifier } : { name, identifier }),
      scopes: scopes.map((scope) => ({ name: scope, title: descriptions[scope] ?? scope })),
    };
  };
}

/** The configured resources and, unless configured otherwise, our own API. */
export function allResources(config: Pick<Config, 'issuer' | 'resources'>): readonly Resource[] {
  const identifier = ownApi(config);
  if (config.resources.some((each) => each.identifier === identifier)) return config.resources;
  const own: Resource = { identifier, scopes: [], signing_alg: 'RS256', token_format: 'jwt' };
  return [...config.resources, own];
}
