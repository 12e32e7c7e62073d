// Which scopes and claims a client may ask for: those that an operator registered.
import type { Config } from '../config/schema.ts';
import { scopeOf } from '../domain/attributes/attributes.ts';
import type { ClientExtras } from './client-extras.ts';

export function mayAskFor({ allowed_scopes: allowed }: ClientExtras, scope: string): boolean {
  return allowed?.split(' ').includes(scope) ?? true;
}

/** A claim comes with its scope: a client that may not ask for the scope may not ask for the claim. */
export function mayAskForClaim(
  client: ClientExtras,
  claim: string,
  config: Pick<Config, 'attributes'>,
): boolean {
  const scope = scopeOf(config, claim);
  return scope !== undefined && (scope === 'openid' || mayAskFor(client, scope));
}
