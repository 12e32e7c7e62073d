// What the library calls: it reads lists from applications, and posts logout tokens to them.
import { createOutgoing, type OutgoingSettings } from '../lib/outgoing.ts';

/** Bytes of a list that an application keeps elsewhere, unpacked. */
const LONGEST_LIST = 64 * 1024;

/** Of a relying party that refuses a logout token: bytes that its reason may take. */
const REFUSAL = { status: 400, bytes: 2048 };

/** The library sets limits and a dispatcher of its own: those are left aside. */
export function createLibraryFetch(settings: OutgoingSettings) {
  const call = createOutgoing(settings);
  return async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = input instanceof Request ? input.url : input;
    const { method = 'GET', body } = init;
    const headers = Object.fromEntries(new Headers(init.headers));
    const request = { method, headers, ...(body instanceof URLSearchParams && { body }) };
    // A logout token is answered by a status; a refusal may say why.
    if (method !== 'GET') return call(url, { ...request, beginningOf: REFUSAL });
    const answer = await call(url, request, LONGEST_LIST);
    if (answer.status === 200) return answer;
    throw new Error(`${new URL(url).host} answered ${answer.status}`);
  };
}
