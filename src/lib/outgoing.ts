// Outgoing HTTP calls: bounded in time and size, never redirected, private addresses only if allowed.
import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch, type Response as Received } from 'undici';
import { isPublic } from './addresses.ts';
import { failedCall, noAnswerWithin } from './causes.ts';

export interface OutgoingSettings {
  /** Whether calls may reach private and loopback addresses. */
  readonly allow_private: boolean;
  /** Seconds for the whole call. */
  readonly timeout: number;
}

export interface OutgoingRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
  /** Of an answer with this status the first bytes are read, however long it is or takes. */
  readonly beginningOf?: { readonly status: number; readonly bytes: number };
}

/**
 * Like fetch. A redirect is an answer like any other. What fails rejects with an error whose
 * message names the host and the cause, and whose `code` is that of the cause.
 * @param longest bytes of the body that are read, unpacked; longer ones fail. 0 reads none
 */
export type Outgoing = (
  url: string | URL,
  request?: OutgoingRequest,
  longest?: number,
) => Promise<Response>;

export function createOutgoing({ allow_private: allowPrivate, timeout }: OutgoingSettings) {
  const limit = timeout * 1000;
  const lookup = allowPrivate ? {} : { lookup: lookUpPublic };
  // Its own: proxies and other dispatchers of the process would look names up themselves.
  const dispatcher = new Agent({ connect: { ...lookup, timeout: limit } });
  const call: Outgoing = async (url, { beginningOf, ...request } = {}, longest = 0) => {
    const { method, headers, body } = request;
    const target = new URL(url);
    const signal = AbortSignal.timeout(limit);
    try {
      if (!allowPrivate) assertPublic(target.hostname.replace(/^\[(.*)\]$/, '$1'));
      const own = { dispatcher, signal, redirect: 'manual' } as const;
      const received = await fetch(target, {
        ...own,
        ...(method !== undefined && { method }),
        ...(headers && { headers: { ...headers } }),
        ...(body !== undefined && { body }),
      });
      const isBegun = received.status === beginningOf?.status;
      const read = isBegun ? readFirst(received, beginningOf.bytes) : readUpTo(received, longest);
      return toAnswer(received, await read);
    } catch (error) {
      throw failedCall(target.host, signal.aborted ? noAnswerWithin(timeout) : error);
    }
  };
  return call;
}

/** What the sender has not sent yet, it sends to nobody: the connection is closed. */
async function readUpTo({ body }: Received, longest: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  if (longest === 0) await body?.cancel();
  else if (body) {
    let length = 0;
    for await (const chunk of body) {
      length += chunk.length;
      if (length > longest) throw new Error(`the answer is longer than ${longest} bytes`);
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks);
}

/** The status counts: where the rest does not come, what has come is enough. */
async function readFirst({ body }: Received, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes) break;
    }
  } catch {
    // Cut off, or too slow.
  }
  return Buffer.concat(chunks).subarray(0, bytes);
}

/** These have no body, and the class for answers takes none. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** Headers about the bytes on the wire do not describe those that were read. */
function toAnswer({ status, headers }: Received, body: Buffer): Response {
  const kept = [...headers].filter(([name]) => !/^content-(length|encoding)$/.test(name));
  return new Response(WITHOUT_BODY.has(status) ? null : new Uint8Array(body), {
    status,
    headers: kept,
  });
}

/** A name is judged when it is looked up, by the very addresses that are then connected to. */
const lookUpPublic: LookupFunction = (name, options, callback) =>
  dns.lookup(name, options, (error, found, family) => {
    // Where the look-up has failed, nothing was found that could be judged.
    if (error) return callback(error, found, family);
    const addresses = [found]
      .flat()
      .map((each) => (typeof each === 'string' ? each : each.address));
    callback(addresses.every(isPublic) ? null : refusal(name), found, family);
  });

/** An address needs no look-up, so the dispatcher would never be asked. */
function assertPublic(host: string): void {
  if (isIP(host) !== 0 && !isPublic(host)) throw refusal(host);
}

function refusal(host: string): Error {
  return new Error(`${host} is no public address, and outgoing.allow_private is off`);
}
