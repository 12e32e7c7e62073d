// Stands before a PostgreSQL that can fall silent: connections stay open, and nothing passes.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SilentProxy {
  /** For DATABASE_URL. */
  readonly url: string;
  /** Connections so far. */
  connections(): number;
  /** How often a client has sent something. */
  asked(): number;
  silence(): void;
  /** What was held back arrives. */
  speak(): void;
  stop(): Promise<void>;
}

export async function startSilentProxy(target: string): Promise<SilentProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isSilent = false;
  let connections = 0;
  let asked = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    connections += 1;
    const upstream = keep(connect(Number(port), hostname));
    keep(client).on('data', () => {
      asked += 1;
    });
    client.pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    if (isSilent) upstream.pause();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  url.searchParams.set('sslmode', 'disable');
  return {
    url: url.href,
    connections: () => connections,
    asked: () => asked,
    silence: () => {
      isSilent = true;
      for (const socket of sockets) if (socket.remotePort === Number(port)) socket.pause();
    },
    speak: () => {
      isSilent = false;
      for (const socket of sockets) socket.resume();
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
