// WORKERS=2: two processes on one port, one of which may die.
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { beginRequest, FRAGILE, isAway, until } from '../support/failing.ts';
import { freePort } from '../support/gatehouse.ts';
import { childrenOf, type GatehouseProcess, startProcess } from '../support/processes.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

/** The sockets of this machine that are connected to the port, as /proc names them. */
function socketsOf(port: number): Set<string> {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const connected = fields.filter(([, local, , state]) => local?.endsWith(end) && state === '01');
  return new Set(connected.map((each) => `socket:[${each[9]}]`));
}

function holdsOneOf(sockets: ReadonlySet<string>, pid: number): boolean {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((file) => {
    try {
      return sockets.has(readlinkSync(`${folder}/${file}`));
    } catch {
      return false;
    }
  });
}

describe('several workers', () => {
  let port: number;
  let database: TestDatabase;
  let server: GatehouseProcess;
  before(async () => {
    database = await SQLITE.create();
    port = await freePort();
    server = await startProcess({
      database,
      port,
      env: { ...FRAGILE, WORKERS: '2', LOG_LEVEL: 'fatal' },
    });
    await untilAllServe();
  });
  after(async () => {
    await server.stop();
    database.remove();
  });

  /** Each takes its turn at new connections, as soon as it listens. */
  const untilAllServe = async (): Promise<void> => {
    const pids = childrenOf(server.pid);
    expect(pids).to.have.length(2);
    const open: Socket[] = [];
    await until(async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      open.push(socket);
      const sockets = socketsOf(port);
      return pids.every((pid) => holdsOneOf(sockets, pid));
    });
    for (const socket of open) socket.destroy();
  };

  it('serve one port', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${server.url}/health/ready`, { headers: { connection: 'close' } }),
      ),
    );
    expect(answers.every(({ status }) => status === 200)).to.equal(true);
    await until(async () => server.output().includes('serves http'));
    expect(server.output().match(/serves http/g)).to.have.length(1);
  });

  it('one that is killed is replaced, and the port is served meanwhile', async () => {
    const [victim = 0, ...rest] = childrenOf(server.pid);
    process.kill(victim, 'SIGKILL');
    await until(async () => {
      const now = childrenOf(server.pid);
      return now.length === 2 && !now.includes(victim) && now.includes(rest[0] ?? 0);
    });
    expect((await fetch(`${server.url}/health/ready`)).status).to.equal(200);
    expect(server.output()).to.include('Another takes its place');
  });

  it('both that fail are replaced while they finish what runs', async () => {
    await untilAllServe();
    const before = childrenOf(server.pid);
    const finish = await beginRequest(port);
    for (const pid of before) process.kill(pid, 'SIGUSR2');
    await until(() => server.output().match(/is finishing its requests/g)?.length === 2);
    await until(async () => !(await isAway(port)));
    expect(childrenOf(server.pid), 'one still has a request').to.include.oneOf(before);
    expect(await finish()).to.match(/^HTTP\/1\.1 400 /);
    await until(() => {
      const now = childrenOf(server.pid);
      return now.length === 2 && !now.some((pid) => before.includes(pid));
    });
    expect(server.output().match(/a fuse has blown"?/g)).to.have.length.greaterThan(1);
    await untilAllServe();
  });

  it('SIGTERM ends all of them with exit code 0', async () => {
    const pids = childrenOf(server.pid);
    const exit = await server.kill('SIGTERM');
    expect(exit).to.deep.equal({ code: 0, signal: undefined });
    for (const pid of pids) expect(() => process.kill(pid, 0)).to.throw('ESRCH');
  });
});
