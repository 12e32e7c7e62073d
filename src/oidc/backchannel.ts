// Delivers one back-channel logout (OpenID Connect Back-Channel Logout 1.0) from the outbox.
import type { BackchannelLogout } from '../domain/sessions/sessions.ts';
import { finalError } from '../lib/final.ts';
import { isRecord } from '../lib/narrow.ts';
import type { OutboxMessage } from '../store/outbox.ts';
import type { BuiltProvider } from './provider.ts';

export function createBackchannelLogout(current: () => BuiltProvider) {
  return async ({ id, payload }: Pick<OutboxMessage, 'id' | 'payload'>): Promise<void> => {
    const { clientId, accountId, sid } = readLogout(payload);
    // Of one Provider: the client it finds is signed for with its keys.
    const { provider, sendBackchannelLogout: send } = current();
    const client = await provider.Client.find(clientId);
    // A client that is gone, or wants none any more, has been told enough.
    const uri = client?.backchannelLogoutUri;
    if (!client || !uri) return;
    // Delivered twice, it is still one token: a receiver that keeps what it has seen can tell.
    await send(client, accountId, sid, id).catch(async (error: unknown) => {
      throw (await refusalOf(error, uri)) ?? error;
    });
  };
}

function readLogout({ clientId, accountId, sid }: OutboxMessage['payload']): BackchannelLogout {
  return { clientId: String(clientId), accountId: String(accountId), sid: String(sid) };
}

/** With 400 a receiver says no for good (section 2.8): the same token would be refused again. */
async function refusalOf(error: unknown, uri: string): Promise<Error | undefined> {
  const response = error instanceof Error && 'response' in error ? error.response : undefined;
  if (!(response instanceof Response) || response.status !== 400) return undefined;
  const { host } = new URL(uri);
  const reason = reasonIn(await response.text());
  return finalError(`${host} answered 400: ${reason || 'it gave no reason'}`);
}

/** Letters of each of its two texts. */
const LONGEST_TEXT = 200;

/** Its `error` and `error_description`, as far as they are texts, in one line. */
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
