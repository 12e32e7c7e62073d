// Back-channel logout tokens: who sends them, and the `jti` that they keep.
import { AsyncLocalStorage } from 'node:async_hooks';
import type Provider from 'oidc-provider';
import type { IdToken } from 'oidc-provider';
import type { ClientModel } from './types.ts';

/** Sends a back-channel logout token now; rejects unless the relying party accepts it. */
export type SendBackchannelLogout = (
  client: ClientModel,
  sub: string,
  sid: string,
  jti: string,
) => Promise<void>;

/**
 * Leaves the sending to the outbox, into which every end of a session writes. oidc-provider would
 * send only from its own sign-out page, one client after the other.
 */
export function takeOverBackchannelLogout(provider: Provider): SendBackchannelLogout {
  const { prototype } = provider.Client;
  const send = prototype.backchannelLogout;
  prototype.backchannelLogout = async () => undefined;
  const asToken = nameLogoutTokens(provider);
  return (client, sub, sid, jti) => asToken(jti, () => send.call(client, sub, sid));
}

/** Gives each delivery of a message the same `jti`, where oidc-provider makes a new one. */
function nameLogoutTokens(provider: Provider) {
  const names = new AsyncLocalStorage<string>();
  const { prototype } = provider.IdToken;
  const { set } = prototype;
  prototype.set = function named(this: IdToken, claim: string, value: unknown) {
    set.call(this, claim, claim === 'jti' ? (names.getStore() ?? value) : value);
  };
  return <T>(jti: string, work: () => Promise<T>): Promise<T> => names.run(jti, work);
}
