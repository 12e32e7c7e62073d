// Stands before PostgreSQL as PgBouncer does: few start-up parameters, another backend each time.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';

/** What PgBouncer keeps for each of its clients. All else it refuses. */
const KNOWN = [
  'user',
  'database',
  'client_encoding',
  'application_name',
  'DateStyle',
  'TimeZone',
  'standard_conforming_strings',
];

export interface Pooler {
  /** For DATABASE_URL. */
  readonly url: string;
  /** Transactions on each backend so far. */
  readonly served: readonly number[];
  stop(): Promise<void>;
}

/**
 * Pooling by transactions, as before PgBouncer 1.21: prepared statements stay with the backend on
 * which they were made.
 */
export async function startPooler(target: string, size = 3): Promise<Pooler> {
  const backends = await Promise.all(Array.from({ length: size }, () => openBackend(target)));
  const served = backends.map(() => 0);
  const free = backends.map((_, index) => index);
  const waiting: Array<(index: number) => void> = [];
  const take = (): Promise<number> => {
    // The one that has rested longest: each transaction gets another one.
    const index = free.shift();
    if (index !== undefined) return Promise.resolve(index);
    return new Promise((resolve) => waiting.push(resolve));
  };
  const giveBack = (index: number) => {
    served[index] = (served[index] ?? 0) + 1;
    const next = waiting.shift();
    if (next) next(index);
    else free.push(index);
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    serve(socket, { backends: backends.map(({ stream }) => stream), take, giveBack });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: urlOf(server, target),
    served,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      for (const { stream } of backends) stream.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function urlOf(server: Server, target: string): string {
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return url.href;
}

/** A connection that has signed in; from now on its bytes are ours. */
async function openBackend(target: string): Promise<{ stream: Socket }> {
  const client = new pg.Client({ connectionString: target });
  client.on('error', () => undefined);
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  stream.removeAllListeners('data');
  return { stream };
}

interface Backends {
  readonly backends: readonly Socket[];
  take(): Promise<number>;
  giveBack(index: number): void;
}

function serve(socket: Socket, { backends, take, giveBack }: Backends): void {
  let hasStarted = false;
  let index: number | undefined;
  let tail: Promise<void> = Promise.resolve();
  const back = (data: Buffer) => {
    socket.write(data);
    // ReadyForQuery, outside of a transaction: the last six bytes of what a backend says.
    if (data.subarray(-6).toString('latin1') !== 'Z\0\0\0\x05I' || index === undefined) return;
    backends[index]?.removeListener('data', back);
    giveBack(index);
    index = undefined;
  };
  const forward = async (data: Buffer) => {
    if (index === undefined) {
      index = await take();
      backends[index]?.on('data', back);
    }
    backends[index]?.write(data);
  };
  socket.on('data', (data) => {
    if (hasStarted) {
      // Terminate ends the client's connection alone.
      if (data[0] === 0x58) return void socket.end();
      tail = tail.then(() => forward(data));
      return;
    }
    if (data.length === 8) return void socket.write('N');
    hasStarted = welcome(socket, data);
  });
}

function welcome(socket: Socket, startup: Buffer): boolean {
  const words = startup.subarray(8).toString().split('\0');
  const names = words.filter((word, at) => at % 2 === 0 && word !== '');
  const refused = names.find((name) => !KNOWN.includes(name));
  if (refused !== undefined) {
    const fields = ['SFATAL', 'VFATAL', 'C08P01', `Munsupported startup parameter: ${refused}`, ''];
    socket.end(message('E', Buffer.from(`${fields.join('\0')}\0`)));
    return false;
  }
  socket.write(message('R', Buffer.alloc(4)));
  socket.write(message('S', Buffer.from('server_version\x0018.0\0')));
  socket.write(message('K', Buffer.alloc(8)));
  socket.write(message('Z', Buffer.from('I')));
  return true;
}

function message(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
