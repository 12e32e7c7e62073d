// Chooses the API and the scopes of a service account's token, within what it's allowed.
import type { Config } from '../config/schema.ts';
import { allResources, ownApi } from '../domain/clients/resources.ts';
import type { ServiceAccount } from '../service-accounts/table.ts';

export type Target =
  | { readonly kind: 'target'; readonly resource: string; readonly scope: string | undefined }
  | { readonly kind: 'invalid-target' }
  /** @property scope the first one that it may not have there */
  | { readonly kind: 'invalid-scope'; readonly scope: string };

export interface Asked {
  readonly resource: string | undefined;
  readonly scope: string | undefined;
}

export type ChooseTarget = (account: ServiceAccount, asked: Asked) => Target;

export function createChooseTarget(config: Config): ChooseTarget {
  const own = ownApi(config);
  const scopesOf = new Map(allResources(config).map((each) => [each.identifier, each.scopes]));
  return ({ resources, scopes }, asked) => {
    const resource = asked.resource ?? standardOf(resources, own);
    const known = resource === undefined ? undefined : scopesOf.get(resource);
    if (resource === undefined || !known || !resources.includes(resource)) {
      return { kind: 'invalid-target' };
    }
    const allowed = known.filter((scope) => scopes.includes(scope));
    const wanted = asked.scope?.split(' ') ?? allowed;
    const tooMuch = wanted.find((scope) => !allowed.includes(scope));
    if (tooMuch !== undefined) return { kind: 'invalid-scope', scope: tooMuch };
    return { kind: 'target', resource, scope: wanted.join(' ') || undefined };
  };
}

/** Our own API if allowed, otherwise the only allowed one. */
function standardOf(resources: readonly string[], own: string): string | undefined {
  if (resources.includes(own)) return own;
  return resources.length === 1 ? resources[0] : undefined;
}
