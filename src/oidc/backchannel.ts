// Delivers one back-channel logout (OpenID Connect Back-Channel Logout 1.0) from the outbox.
import type Provider from 'oidc-provider';
import type { BackchannelLogout } from '../domain/sessions.ts';
import type { Letter } from '../store/outbox.ts';
import type { SendBackchannelLogout } from './provider.ts';

interface LogoutClient {
  readonly backchannelLogoutUri?: string;
}

export function createBackchannelLogout(provider: () => Provider, send: SendBackchannelLogout) {
  return async ({ payload }: Pick<Letter, 'payload'>): Promise<void> => {
    const { clientId, accountId, sid } = payload as unknown as BackchannelLogout;
    const client = await provider().Client.find(clientId);
    // A client that is gone, or wants none any more, has been told enough.
    if (!(client as LogoutClient | undefined)?.backchannelLogoutUri) return;
    await send(client as object, accountId, sid);
  };
}
