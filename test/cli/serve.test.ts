// gatehouse serve in a process of its own: starts, starts that must fail, and stops.
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { freePort, startGatehouse } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { onBothStores, POSTGRES, SQLITE, type TestDatabase } from '../support/stores.ts';
import { refused } from './helpers.ts';

async function kidsOf({ url }: Pick<GatehouseProcess, 'url'>): Promise<string[]> {
  const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: Array<{ kid: string }> };
  return keys.map(({ kid }) => kid).sort();
}

onBothStores('gatehouse serve', (store) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await store.create();
  });
  afterEach(() => database.remove());

  it('keeps its keys through a SIGKILL, and over a restart', async () => {
    const port = await freePort();
    const first = await startProcess({ database, port });
    const kids = await kidsOf(first);
    expect(kids).to.have.length(3);
    expect(await first.kill('SIGKILL')).to.deep.equal({ code: undefined, signal: 'SIGKILL' });
    const second = await startProcess({ database, port });
    expect(await kidsOf(second)).to.deep.equal(kids);
    await second.stop();
    const third = await startProcess({ database, port });
    expect(await kidsOf(third)).to.deep.equal(kids);
    await third.stop();
  });

  it('agrees with another process that starts at the same moment', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const issuer = `http://localhost:${port}`;
    const both = await Promise.all([
      startProcess({ database, port, issuer }),
      startProcess({ database, port: other, issuer }),
    ]);
    const [one, two] = await Promise.all(both.map(kidsOf));
    expect(one).to.deep.equal(two).and.have.length(3);
    await Promise.all(both.map((each) => each.stop()));
  });

  it('says so when GATEHOUSE_SECRET is not the one of the store', async () => {
    const env = { GATEHOUSE_SECRET: 'the-first-secret-of-32-characters-and-more' };
    const first = await startGatehouse({ database, env });
    const kids = await kidsOf(first);
    await first.pause();
    const GATEHOUSE_SECRET = 'another-secret-of-32-characters-and-more';
    const options = { database, env: { GATEHOUSE_SECRET }, apart: false };
    const why = await refused(['serve', '--no-demo'], options);
    expect(why).to.match(
      /^The stored secrets were sealed with another GATEHOUSE_SECRET\. Start with/,
    );
    // Neither has it replaced what it could not read.
    const again = await startGatehouse({ database, env });
    expect(await kidsOf(again)).to.deep.equal(kids);
    await again.pause();
  });
});

describe('a first start in production, without a terminal', () => {
  let database: TestDatabase;
  let running: GatehouseProcess;
  before(async () => {
    database = await SQLITE.create();
    const file = join(database.dataDir, 'config.json');
    writeFileSync(file, JSON.stringify({ admin: { email: 'admin@example.com' } }));
    const env = {
      NODE_ENV: 'production',
      ISSUER: 'https://id.example.com',
      GATEHOUSE_SECRET: 'a-master-key-for-this-test-alone-0123456789',
      GATEHOUSE_CONFIG: file,
      TEST_CLOCK: '',
      LOG_LEVEL: 'warn',
    };
    running = await startProcess({ database, port: await freePort(), env });
    while (!/First administrator: .*\n.*\n/.test(running.output())) await sleep(20);
  });
  after(async () => {
    await running.stop();
    database.remove();
  });

  it('puts no link into the log, and names the command that makes one', () => {
    expect(running.output()).not.to.include('/reset-password/');
    expect(running.output()).to.include(
      `  needs a link: gatehouse account reset-password admin@example.com --reason 'first sign-in'\n`,
    );
  });

  it('says once that nobody sends mails', () => {
    const lines = running
      .output()
      .split('\n')
      .filter((line) => line.includes('SMTP_URL'));
    expect(lines).to.have.length(1);
    expect(JSON.parse(lines[0] ?? '')).to.include({ level: 40 });
    expect(lines[0]).to.include(join(database.dataDir, 'outbox'));
  });
});

describe('a start that must fail', () => {
  const silent = createServer();
  let database: TestDatabase;
  before(async () => {
    database = await SQLITE.create();
    writeFileSync(join(database.dataDir, 'file'), 'no database');
  });
  after(() => {
    silent.close();
    database.remove();
  });

  const serve = (env: Record<string, string>, apart = false) =>
    refused(['serve', '--no-demo'], { database, env, apart });

  it('names a busy port and the cure, and ends', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    const why = await serve({ PORT: String(port) }, true);
    expect(why).to.match(new RegExp(`^Port ${port} is in use\\..* PORT `));
    busy.close();
  });

  it('names a HOST that is none of this machine', async () => {
    expect(await serve({ HOST: '192.0.2.1' })).to.match(/^HOST is "192\.0\.2\.1"/);
  });

  it('names DATA_DIR where a file stands in its place', async () => {
    const DATA_DIR = join(database.dataDir, 'file');
    expect(await serve({ DATA_DIR })).to.match(/^DATA_DIR is no folder/);
    expect(await serve({ DATA_DIR: join(DATA_DIR, 'below') })).to.match(/^DATA_DIR is no folder/);
  });

  it('names DATA_DIR where the system lets nobody write', async () => {
    for (const DATA_DIR of ['/sys/gatehouse', '/proc/gatehouse']) {
      expect(await serve({ DATA_DIR })).to.match(/^DATA_DIR cannot be written .*DATA_DIR\.$/);
    }
  });

  it('names a database file that is none, and leaves it alone', async () => {
    const DATABASE_URL = `sqlite:${join(database.dataDir, 'file')}`;
    expect(await serve({ DATABASE_URL })).to.equal("The database file isn't a SQLite database.");
    const folder = `sqlite:${database.dataDir}`;
    expect(await serve({ DATABASE_URL: folder })).to.match(/^The database file cannot be opened/);
  });

  it('names DATABASE_URL where nobody listens', async () => {
    const url = 'postgres://somebody:very-secret@127.0.0.1:1/none';
    const why = await serve({ DATABASE_URL: url });
    expect(why).to.match(/^The database of DATABASE_URL cannot be reached/);
    expect(why).not.to.include('very-secret');
  });

  it('names DATABASE_URL where the server lets nobody of that name in, or has no such database', async () => {
    const { url = '', remove } = await POSTGRES.create();
    const stranger = new URL(url);
    stranger.username = 'somebody';
    stranger.password = 'very-secret';
    const nowhere = new URL(url);
    nowhere.pathname = '/nowhere';
    for (const { href } of [stranger, nowhere]) {
      const why = await serve({ DATABASE_URL: href });
      expect(why).to.match(/^The database of DATABASE_URL does not let this user in \(.+\)\.$/);
      expect(why).not.to.include('very-secret');
    }
    remove();
  });

  it('names DATABASE_URL where a server never answers, and does not wait for ever', async () => {
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const impatient = join(database.dataDir, 'impatient.json');
    writeFileSync(impatient, JSON.stringify({ store: { timeout: 1 } }));
    const DATABASE_URL = `postgres://somebody@127.0.0.1:${port}/none`;
    const why = await serve({ DATABASE_URL, GATEHOUSE_CONFIG: impatient }, true);
    expect(why).to.equal('The database of DATABASE_URL does not answer (timeout expired).');
  });
});

/** Connections are kept for a quarter of an hour, as some balancers want it. */
const KEEPING = `
  const http = require('node:http');
  const { createServer } = http;
  http.createServer = (...needs) => {
    const server = createServer(...needs);
    server.keepAliveTimeout = 900_000;
    return server;
  };
  require('node:module').syncBuiltinESMExports();`;

/** Busy for half a second when told to, and for a moment after it has been told to stop. */
const BUSY = `
  const work = (milliseconds) => () => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  };
  process.on('SIGUSR2', work(500));
  process.on('SIGTERM', () => queueMicrotask(work(50)));`;

/** Whatever a stop waits for that it need not outlasts the test: five minutes, or a quarter hour. */
describe('a stop', () => {
  let database: TestDatabase;
  let env: Record<string, string>;
  let running: GatehouseProcess;
  before(async () => {
    database = await SQLITE.create();
    const patient = join(database.dataDir, 'patient.json');
    const keeping = join(database.dataDir, 'keeping.cjs');
    writeFileSync(patient, JSON.stringify({ http: { stop_timeout: 300 } }));
    writeFileSync(keeping, KEEPING);
    env = { GATEHOUSE_CONFIG: patient, NODE_OPTIONS: `--require ${keeping}` };
  });
  beforeEach(async () => {
    running = await startProcess({ database, port: await freePort(), env });
  });
  afterEach(() => running.stop());
  after(() => database.remove());

  const open = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };

  const untilRefusing = async (): Promise<void> => {
    const isOpen = () =>
      open().then(
        (socket) => Boolean(socket.destroy()),
        () => false,
      );
    while (await isOpen()) await sleep(10);
  };

  const begin = async (body: string): Promise<Socket> => {
    const socket = await open();
    const half = body.slice(0, body.length / 2);
    const type = 'Content-Type: application/x-www-form-urlencoded';
    const length = `Content-Length: ${body.length}`;
    socket.write(`POST /token HTTP/1.1\r\nHost: x\r\n${type}\r\n${length}\r\n\r\n${half}`);
    // Begun, as soon as another request that came later is answered.
    await fetch(`${running.url}/health/live`);
    return socket;
  };

  it('prints where it serves, and nothing more', () => {
    expect(running.output()).to.equal(`Gatehouse serves ${running.url} (test)\n`);
    expect(existsSync(join(database.dataDir, 'demo.json'))).to.equal(false);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} lets a slow request finish, takes no new one, and exits with 0`, async () => {
      const body = 'grant_type=client_credentials';
      const asking = await open();
      asking.write('GET /health/ready HTTP/1.1\r\nHost: x\r\n');
      const slow = await begin(body);
      const exit = running.kill(signal);
      await untilRefusing();
      asking.write('\r\n');
      const [health] = await once(asking, 'data');
      expect(String(health))
        .to.match(/^HTTP\/1\.1 503 /)
        .and.match(/^connection: close\r$/im);
      slow.write(body.slice(body.length / 2));
      const [answer] = await once(slow, 'data');
      expect(String(answer))
        .to.match(/^HTTP\/1\.1 400 /)
        .and.to.include('invalid_request');
      // Its connection would be kept for another request.
      expect(await exit).to.deep.equal({ code: 0, signal: undefined });
    });
  }

  it('waits for no connection on which nothing is asked', async () => {
    const silent = await open();
    const kept = await open();
    kept.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(kept, 'data');
    const closed = Promise.all([once(silent, 'close'), once(kept, 'close')]);
    expect(await running.kill('SIGTERM')).to.deep.equal({ code: 0, signal: undefined });
    await closed;
  });

  it('answers a request that has arrived and has not been read yet', async () => {
    const busy = join(database.dataDir, 'busy.cjs');
    writeFileSync(busy, BUSY);
    const NODE_OPTIONS = `--require ${busy}`;
    const held = await startProcess({ database, port: await freePort(), env: { NODE_OPTIONS } });
    process.kill(held.pid, 'SIGUSR2');
    await sleep(100);
    const asking = connect(Number(new URL(held.url).port), '127.0.0.1');
    await once(asking, 'connect');
    asking.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    const answer = once(asking, 'data');
    const exit = held.kill('SIGTERM');
    expect(String((await answer)[0])).to.match(/^HTTP\/1\.1 200 /);
    expect(await exit).to.deep.equal({ code: 0, signal: undefined });
  });

  it('a second signal means now', async () => {
    const slow = await begin('grant_type=client_credentials');
    const exit = running.kill('SIGTERM');
    await untilRefusing();
    process.kill(running.pid, 'SIGTERM');
    expect(await exit).to.deep.equal({ code: 1, signal: undefined });
    slow.destroy();
  });
});

describe('a stop that gives a proxy time', () => {
  let database: TestDatabase;
  before(async () => {
    database = await SQLITE.create();
  });
  after(() => database.remove());

  const startWith = async (stop_delay: number): Promise<GatehouseProcess> => {
    const file = join(database.dataDir, `delay-${stop_delay}.json`);
    writeFileSync(file, JSON.stringify({ http: { stop_delay } }));
    return startProcess({ database, port: await freePort(), env: { GATEHOUSE_CONFIG: file } });
  };

  it('says that it is not ready, and serves whoever comes all the same', async () => {
    const running = await startWith(300);
    const exit = running.kill('SIGTERM');
    const ask = (path: string) => fetch(`${running.url}${path}`);
    let health = await ask('/health/ready');
    while (health.status === 200) health = await ask('/health/ready');
    expect(health.status).to.equal(503);
    expect(await health.json()).to.deep.equal({ status: 'stopping', store: 'ok' });
    for (const path of ['/health/live', '/jwks', '/assets/gatehouse.css']) {
      const answer = await ask(path);
      expect([answer.status, answer.headers.get('connection')], path).to.deep.equal([200, 'close']);
    }
    process.kill(running.pid, 'SIGTERM');
    expect(await exit).to.deep.equal({ code: 1, signal: undefined });
  });

  it('ends by itself when that time is over', async () => {
    const running = await startWith(1);
    expect(await running.kill('SIGTERM')).to.deep.equal({ code: 0, signal: undefined });
  });
});
