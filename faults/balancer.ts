// A small balancer: asks each node whether it is ready, and sends every request to one that is.
import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { health } from './measure.ts';

export interface Balancer {
  readonly url: string;
  stop(): Promise<void>;
}

const LOOK_EVERY = 250;

export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const ready = new Set(ports);
  const looks = setInterval(() => {
    for (const port of ports) void look(port, ready);
  }, LOOK_EVERY);
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    turn += 1;
    const all = [...ready];
    const port = all[turn % all.length] ?? ports[0];
    const passed = pass(incoming, port ?? 0, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.writeHead(502).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      clearInterval(looks);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function look(port: number, ready: Set<number>): Promise<void> {
  const isReady = await health(`http://127.0.0.1:${port}`).then(
    ({ status }) => status === 200,
    () => false,
  );
  if (isReady) ready.add(port);
  else ready.delete(port);
}

function pass(
  incoming: IncomingMessage,
  port: number,
  onAnswer: (answer: IncomingMessage) => void,
): ClientRequest {
  const { method, url, headers } = incoming;
  const passed = request({ host: '127.0.0.1', port, method, path: url, headers }, onAnswer);
  incoming.pipe(passed);
  return passed;
}
