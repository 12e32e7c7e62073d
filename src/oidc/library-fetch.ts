// The outgoing calls of oidc-provider: it reads lists that applications publish, such as
// key sets, and posts logout tokens.
import { createOutgoing, type OutgoingSettings } from '../lib/outgoing.ts';

/** Maximum bytes of a list, unpacked. */
const LONGEST_LIST = 64 * 1024;

/** How many bytes to read of the reason for which a relying party refuses a logout token. */
const REFUSAL = { status: 400, bytes: 2048 };

/** Ignores the limits and the dispatcher that oidc-provider sets. */
export function createLibraryFetch(settings: OutgoingSettings) {
  const call = createOutgoing(settings);
  return async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = input instanceof Request ? input.url : input;
    const { method = 'GET', body } = init;
    const headers = Object.fromEntries(new Headers(init.headers));
    const request = { method, headers, ...(body instanceof URLSearchParams && { body }) };
    // Only the status answers a logout token, but a refusal may contain a reason.
    if (method !== 'GET') return call(url, { ...request, beginningOf: REFUSAL });
    const answer = await call(url, request, LONGEST_LIST);
    if (answer.status === 200) return answer;
    throw new Error(`${new URL(url).host} answered ${answer.status}`);
  };
}
