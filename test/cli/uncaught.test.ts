// An error that nobody caught: the process says why, finishes what runs, and another takes its place.
import { join } from 'node:path';
import { expect } from 'chai';
import { pauseAfter } from '../../src/cli/workers.ts';
import { beginRequest, FRAGILE, isAway, until } from '../support/failing.ts';
import { freePort } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

describe('an error that nobody caught', () => {
  let database: TestDatabase;
  let server: GatehouseProcess;
  before(async () => {
    database = await SQLITE.createMigrated();
  });
  afterEach(() => server.stop());
  after(() => database.remove());

  const start = async (more: Record<string, string> = {}) => {
    const port = await freePort();
    const env = { ...FRAGILE, LOG_LEVEL: 'error', ...more };
    server = await startProcess({ database, port, env });
    return port;
  };
  /** By itself, and all that it wrote is there. */
  const hasEnded = async () => {
    await until(() => server.exit() !== undefined);
    await server.stop();
  };
  const told = () =>
    server
      .output()
      .split('\n')
      .filter((line) => line.includes('uncaught error'))
      .map((line) => JSON.parse(line));

  it('is logged with its cause, and what runs is finished', async () => {
    const port = await start();
    const finish = await beginRequest(port);
    process.kill(server.pid, 'SIGUSR2');
    await until(() => isAway(port));
    expect(await finish()).to.match(/^HTTP\/1\.1 400 /);
    await hasEnded();
    expect(server.exit()).to.deep.equal({ code: 1, signal: undefined });
    const [line, ...more] = told();
    expect(more).to.deep.equal([]);
    expect(line).to.include({ level: 60, origin: 'uncaughtException' });
    expect(line.err.message).to.equal('out of the blue: a fuse has blown');
    expect(line.err.stack).to.match(/fragile\.ts/);
  });

  it('ends the process also as a rejection, and where a request never ends', async () => {
    const file = join(import.meta.dirname, '../support/without-patience.json');
    const port = await start({ GATEHOUSE_CONFIG: file });
    await beginRequest(port);
    process.kill(server.pid, 'SIGHUP');
    await until(() => told().length === 1);
    // Once more while it ends: logged, and no other end.
    process.kill(server.pid, 'SIGUSR2');
    await hasEnded();
    expect(server.exit()).to.deep.equal({ code: 1, signal: undefined });
    const [first, second, ...more] = told();
    expect(more).to.deep.equal([]);
    expect(first).to.include({ origin: 'unhandledRejection' });
    expect(first.err.message).to.equal('a promise that nobody kept');
    expect(second).to.include({ origin: 'uncaughtException' });
  });

  it('in the process that watches the workers: they finish, and all end', async () => {
    await start({ WORKERS: '2' });
    process.kill(server.pid, 'SIGUSR2');
    await hasEnded();
    expect(server.exit()).to.deep.equal({ code: 1, signal: undefined });
    expect(told()).to.have.length(1);
  });
});

describe('workers that die again and again', () => {
  it('are started ever more slowly, though never given up', () => {
    expect(pauseAfter(1)).to.equal(200);
    expect(pauseAfter(2)).to.equal(400);
    expect(pauseAfter(5)).to.equal(3_200);
    expect(pauseAfter(7)).to.equal(10_000);
    expect(pauseAfter(5_000)).to.equal(10_000);
  });
});
