// Which connections are taken: so many in all, and so many of one address.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from '../config/schema.ts';
import { isWithin, parseAddress, parseSubnet, rangeOf } from '../lib/addresses.ts';
import type { Log } from '../lib/log.ts';
import { repeatedLines } from '../lib/repeated-lines.ts';

export interface ConnectionNeeds {
  readonly config: Pick<Config, 'http' | 'trusted_proxies'>;
  readonly log: Log;
}

/** A host has a whole /64 of IPv6 to itself. */
const HOST = { ipv4: 32, ipv6: 64 };

/** A connection beyond the bounds is closed before anything is read from it. */
export function boundConnections(server: Server, { config, log }: ConnectionNeeds): void {
  const { connections, connections_per_address: most } = config.http;
  const proxies = config.trusted_proxies.map(parseSubnet);
  const open = new Map<string, number>();
  server.maxConnections = connections;

  server.on('drop', () => {
    const write = () =>
      log.warn({ connections }, 'all connections are in use: new ones are closed');
    repeatedLines(log).state('connections', write);
  });

  server.on('connection', (socket: Socket) => {
    const address = parseAddress(socket.remoteAddress ?? '');
    // A proxy of ours brings everybody.
    if (!address || isWithin(address, proxies)) return;
    const host = rangeOf(address.toString(), HOST);
    const count = (open.get(host) ?? 0) + 1;
    open.set(host, count);
    socket.once('close', () => {
      const left = (open.get(host) ?? 1) - 1;
      if (left > 0) open.set(host, left);
      else open.delete(host);
    });
    if (count <= most) return;
    socket.destroy();
    const write = () =>
      log.warn(
        { address: host, connections_per_address: most },
        'one address has too many connections: new ones are closed. If it is a proxy of yours, add it to TRUSTED_PROXIES',
      );
    repeatedLines(log).state(`connections of ${host}`, write);
  });
}
