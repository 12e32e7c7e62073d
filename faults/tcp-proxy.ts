// Stands between two parties and lets nothing through, or leads elsewhere, when it is told to.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Both sides stay connected and hear nothing: a network that has gone silent. */
  freeze(): void;
  thaw(): void;
  /** Ends all connections, as a host does that dies. */
  cut(): void;
  /** Where connections lead from now on. */
  lead(port: number): void;
  /** What servers answer is thrown away, with the connection. */
  loseAnswers(isLost: boolean): void;
  stop(): Promise<void>;
}

interface Joined {
  readonly near: Socket;
  readonly far: Socket;
}

export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const joined = new Set<Joined>();
  const state = { target: port, isFrozen: false, isLost: false };
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const far = connect(state.target, '127.0.0.1');
    const both = { near, far };
    joined.add(both);
    join(
      both,
      () => state.isLost,
      () => joined.delete(both),
    );
    if (!state.isFrozen) near.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const each = (act: (socket: Socket) => void) => {
    for (const { near, far } of joined) for (const socket of [near, far]) act(socket);
  };
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      state.isFrozen = true;
      each((socket) => socket.pause());
    },
    thaw: () => {
      state.isFrozen = false;
      each((socket) => socket.resume());
    },
    cut: () => each((socket) => socket.destroy()),
    lead: (to) => {
      state.target = to;
    },
    loseAnswers: (isLost) => {
      state.isLost = isLost;
    },
    stop: async () => {
      each((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

function join({ near, far }: Joined, isLost: () => boolean, gone: () => void): void {
  near.on('data', (chunk) => far.write(chunk));
  far.on('data', (chunk) => {
    if (isLost()) near.destroy();
    else near.write(chunk);
  });
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const) {
    socket.on('error', () => other.destroy());
    socket.on('end', () => other.end());
    socket.on('close', () => {
      gone();
      other.destroy();
    });
  }
}
