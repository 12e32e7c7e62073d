// Calls that leave the house: bounded in time, never redirected, to private addresses only if allowed.
import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isPublic } from './addresses.ts';

export interface OutgoingSettings {
  /** Whether calls may reach private and loopback addresses. */
  readonly allow_private: boolean;
  /** Seconds for the whole call. */
  readonly timeout: number;
}

/** As fetch. A redirect is an answer like any other. */
export type Outgoing = (url: string | URL, options?: RequestInit) => Promise<Response>;

type Options = RequestInit & { dispatcher?: unknown };

export function createOutgoing({ allow_private: allowPrivate, timeout }: OutgoingSettings) {
  let guard: unknown;
  const guarded = (url: string | URL, options: Options): Options => {
    assertPublic(new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'));
    guard ??= guardedDispatcher();
    return { ...options, dispatcher: guard } as Options;
  };
  const call = async (url: string | URL, options: Options = {}) => {
    const { dispatcher: _, ...plain } = options;
    const safe = allowPrivate ? plain : guarded(url, plain);
    const signal = AbortSignal.timeout(timeout * 1000);
    return fetch(url, { ...safe, redirect: 'manual', signal } as RequestInit);
  };
  return call satisfies Outgoing;
}

/** A name is judged when it is looked up, by the very addresses that are then connected to. */
const lookUpPublic: LookupFunction = (name, options, callback) =>
  dns.lookup(name, options, (error, found, family) => {
    const addresses = [found]
      .flat()
      .map((each) => (typeof each === 'string' ? each : each.address));
    const isRefused = !error && !addresses.every(isPublic);
    callback(isRefused ? refusal(name) : error, found, family);
  });

/** An address needs no look-up, so the dispatcher would never be asked. */
function assertPublic(host: string): void {
  if (isIP(host) !== 0 && !isPublic(host)) throw refusal(host);
}

function refusal(host: string): Error {
  return new Error(`${host} is no public address, and outgoing.allow_private is off`);
}

type AgentClass = new (options: { connect: { lookup: LookupFunction } }) => unknown;

/** The class that Node's own fetch is made with: no package offers it for this very version. */
function guardedDispatcher(): unknown {
  // Makes Node load its fetch.
  void Response;
  const all = globalThis as unknown as Record<symbol, { constructor: AgentClass } | undefined>;
  const usual =
    all[Symbol.for('undici.globalDispatcher.2')] ?? all[Symbol.for('undici.globalDispatcher.1')];
  if (!usual) throw new Error('this version of Node cannot guard its outgoing calls');
  return new usual.constructor({ connect: { lookup: lookUpPublic } });
}
