// Delivers one back-channel logout (OpenID Connect Back-Channel Logout 1.0) from the outbox.
import type { BackchannelLogout } from '../domain/sessions.ts';
import type { Letter } from '../store/outbox.ts';
import type { BuiltProvider } from './provider.ts';

interface LogoutClient {
  readonly backchannelLogoutUri?: string;
}

export function createBackchannelLogout(current: () => BuiltProvider) {
  return async ({ id, payload }: Pick<Letter, 'id' | 'payload'>): Promise<void> => {
    const { clientId, accountId, sid } = payload as unknown as BackchannelLogout;
    // Of one Provider: the client it finds is signed for with its keys.
    const { provider, sendBackchannelLogout: send } = current();
    const client = await provider.Client.find(clientId);
    // A client that is gone, or wants none any more, has been told enough.
    if (!(client as LogoutClient | undefined)?.backchannelLogoutUri) return;
    // Delivered twice, it is still one token: a receiver that keeps what it has seen can tell.
    await send(client as object, accountId, sid, id);
  };
}
