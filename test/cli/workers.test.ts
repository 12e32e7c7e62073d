// WORKERS=2: two processes on one port, one of which may die.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { freePort } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

describe('several workers', () => {
  let database: TestDatabase;
  let server: GatehouseProcess;
  before(async () => {
    database = await SQLITE.create();
    const port = await freePort();
    server = await startProcess({ database, port, env: { WORKERS: '2' } });
  });
  after(async () => {
    await server.stop();
    database.remove();
  });

  const childrenOf = (pid: number): number[] => {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim().split(' ').filter(Boolean).map(Number);
  };
  const until = async (isTrue: () => Promise<boolean>): Promise<void> => {
    while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('serve one port', async () => {
    expect(childrenOf(server.pid)).to.have.length(2);
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

  it('SIGTERM ends all of them with exit code 0', async () => {
    const pids = childrenOf(server.pid);
    const exit = await server.kill('SIGTERM');
    expect(exit).to.deep.equal({ code: 0, signal: undefined });
    for (const pid of pids) expect(() => process.kill(pid, 0)).to.throw('ESRCH');
  });
});
