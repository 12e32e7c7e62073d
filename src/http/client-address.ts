// The client's network address: the socket's, or what a proxy of ours says.
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';
import { type Address, isWithin, parseAddress, parseSubnet } from '../lib/addresses.ts';

export type ClientAddress = (request: IncomingMessage) => string;

/** Nobody has so many proxies: what stands before them is a stranger's. */
const MOST_HOPS = 32;

/** Each trusted proxy adds its own peer at the right: what stands left of an untrusted one is hearsay. */
export function createClientAddress({ trusted_proxies }: Config): ClientAddress {
  const trusted = trusted_proxies.map(parseSubnet);
  const isTrusted = (address: Address) => isWithin(address, trusted);

  return ({ socket, headers }) => {
    let client = parseAddress(socket.remoteAddress ?? '');
    if (!client) return 'unknown';
    for (const hop of hopsOf(headers).reverse()) {
      if (!isTrusted(client)) break;
      const address = parseAddress(hop);
      // A proxy wrote what is no address: nobody vouches for the rest.
      if (!address) break;
      client = address;
    }
    return client.toNormalizedString();
  };
}

function hopsOf(headers: IncomingMessage['headers']): string[] {
  const header = [headers['x-forwarded-for'] ?? []].flat().join(',');
  return header === '' ? [] : header.split(',').slice(-MOST_HOPS);
}
