// Whoever opens connections and is slow on them, or opens many: they end in time, and others get in.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

const MOST = 4;

describe('connections held open', () => {
  let database: TestDatabase;
  let running: GatehouseProcess;
  before(async () => {
    database = await SQLITE.create();
    const file = join(database.dataDir, 'slow.json');
    const http = { headers_timeout: 2, request_timeout: 3, connections_per_address: MOST };
    writeFileSync(file, JSON.stringify({ http }));
    const env = { GATEHOUSE_CONFIG: file, LOG_LEVEL: 'warn', TRUSTED_PROXIES: '127.0.0.9' };
    running = await startProcess({ database, port: await freePort(), env });
  });
  after(async () => {
    await running.stop();
    database.remove();
  });

  const open = async (localAddress: string): Promise<Socket> => {
    const port = Number(new URL(running.url).port);
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const isAnswered = async (from: string): Promise<boolean> => {
    const socket = await open(from);
    const isRead = () => true;
    const isReset = () => false;
    const answered = once(socket, 'data').then(isRead, isReset);
    const closed = once(socket, 'close').then(isReset, isReset);
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    const result = await Promise.race([answered, closed]);
    socket.destroy();
    return result;
  };

  for (const [name, begin] of [
    ['headers that never end', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['silence', ''],
    ['a body that never ends', 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'],
  ] as const) {
    it(`${name}: closed in time, with the default of Node it would be half a minute`, async () => {
      const socket = await open('127.0.0.2');
      if (begin) socket.write(begin);
      socket.resume();
      await once(socket, 'close');
    }).timeout(15_000);
  }

  it('by one address are so many, which is told once, and others get in', async () => {
    const held = [];
    while (held.length < MOST) held.push(await open('127.0.0.3'));
    for (let count = 0; count < 5; count += 1) {
      expect(await isAnswered('127.0.0.3'), 'one too many').to.equal(false);
    }
    expect(await isAnswered('127.0.0.4'), 'another address').to.equal(true);
    const told = running.output().split('\n');
    expect(told.filter((line) => line.includes('too many connections'))).to.have.length(1);
    for (const socket of held) socket.destroy();
    await Promise.all(held.map((socket) => socket.closed || once(socket, 'close')));
    while (!(await isAnswered('127.0.0.3')));
  });

  it('by a trusted proxy are everybody’s', async () => {
    const held = [];
    while (held.length < MOST + 2) held.push(await open('127.0.0.9'));
    expect(await isAnswered('127.0.0.9')).to.equal(true);
    for (const socket of held) socket.destroy();
  });
});
