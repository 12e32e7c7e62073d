// Ports for servers that must know theirs before they listen.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports of outgoing connections, of which any could take one while a server restarts. */
const FIRST = 20_000;
const SHARES = 8;
const SHARE = 1_500;

const own = FIRST + (Number(process.env.MOCHA_WORKER_ID ?? 0) % SHARES) * SHARE;
let last = randomInt(SHARE);

/**
 * Free at this moment. It is of this worker's share and none of the last ones that were given, so
 * that no other server of the tests can take it before the one that asked listens.
 */
export async function freePort(): Promise<number> {
  last = (last + 1) % SHARE;
  const port = own + last;
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
  } catch {
    return freePort();
  }
  server.close();
  await once(server, 'close');
  return port;
}
