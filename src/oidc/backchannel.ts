// Delivers one back-channel logout (OpenID Connect Back-Channel Logout 1.0) from the outbox.
import type { BackchannelLogout } from '../domain/sessions/sessions.ts';
import { finalError } from '../lib/final.ts';
import { isRecord } from '../lib/narrow.ts';
import type { OutboxMessage } from '../store/outbox.ts';
import type { BuiltProvider } from './provider.ts';

export function createBackchannelLogout(current: () => BuiltProvider) {
  return async ({ id, payload }: Pick<OutboxMessage, 'id' | 'payload'>): Promise<void> => {
    const { clientId, accountId, sid } = readLogout(payload);
    // Use one Provider for both, because the client's token is signed with the keys of its
    // Provider.
    const { provider, sendBackchannelLogout: send } = current();
    const client = await provider.Client.find(clientId);
    // A client that was deleted, or no longer wants logouts, doesn't get one.
    const uri = client?.backchannelLogoutUri;
    if (!client || !uri) return;
    // Two deliveries send the same token, so a receiver that remembers tokens can tell.
    await send(client, accountId, sid, id).catch(async (error: unknown) => {
      throw (await refusalOf(error, uri)) ?? error;
    });
  };
}

function readLogout({ clientId, accountId, sid }: OutboxMessage['payload']): BackchannelLogout {
  return { clientId: String(clientId), accountId: String(accountId), sid: String(sid) };
}

/** A 400 is final (section 2.8): the receiver would refuse the same token again. */
async function refusalOf(error: unknown, uri: string): Promise<Error | undefined> {
  const response = error instanceof Error && 'response' in error ? error.response : undefined;
  if (!(response instanceof Response) || response.status !== 400) return undefined;
  const { host } = new URL(uri);
  const reason = reasonIn(await response.text());
  return finalError(`${host} answered 400: ${reason || 'it gave no reason'}`);
}

/** Characters of each of its two texts. */
const LONGEST_TEXT = 200;

/** Its `error` and `error_description`, if they are texts, in one line. */
function reasonIn(body: string): string {
  const { error, error_description: description } = parseObject(body);
  return [error, description].map(cleaned).filter(Boolean).join(': ');
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function cleaned(text: unknown): string {
  if (typeof text !== 'string') return '';
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return [...line].slice(0, LONGEST_TEXT).join('');
}
