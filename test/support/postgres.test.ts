// Proves that the PostgreSQL of the tests is real, separate per database, and cleans up.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { postgres, type Running, stopPostgres } from './postgres.ts';

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function accepts(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function refusesWithin(url: string, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (await accepts(url)) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

describe('test support: PostgreSQL', function () {
  this.timeout(60_000);
  let server: Running;

  before(async () => {
    server = await postgres();
  });
  after(stopPostgres);

  it('is a real PostgreSQL', async () => {
    const [row] = await query(await server.createDatabase(), 'select version()');
    expect(row?.version).to.match(/^PostgreSQL \d+/);
  });

  it('is one server for all tests of a run', async () => {
    expect(await postgres()).to.equal(server);
  });

  it('separates the databases', async () => {
    const [one, two] = [await server.createDatabase(), await server.createDatabase()];
    await query(one, 'create table note (text text)');
    const sql = `select count(*)::int as tables from pg_tables where tablename = 'note'`;
    expect(await query(one, sql)).to.deep.equal([{ tables: 1 }]);
    expect(await query(two, sql)).to.deep.equal([{ tables: 0 }]);
  });

  it('asks for the password', async () => {
    const url = new URL(server.url('postgres'));
    url.password = 'wrong';
    const failure = await query(url.href, 'select 1').catch((error: unknown) => error);
    expect(failure).to.have.property('code', '28P01');
  });

  for (const mode of ['fast', 'immediate'] as const) {
    it(`keeps what was committed through a restart: ${mode}`, async () => {
      const url = await server.createDatabase();
      await query(url, `create table note as select 'kept' as text`);
      await server.restart(mode);
      expect(await query(url, 'select text from note')).to.deep.equal([{ text: 'kept' }]);
    });
  }

  it('refuses connections between halt and resume', async () => {
    await server.halt('immediate');
    expect(await accepts(server.url('postgres'))).to.equal(false);
    await server.resume();
    expect(await accepts(server.url('postgres'))).to.equal(true);
  });

  it('leaves no server behind when the test run is killed', async () => {
    const script = `
      import { postgres } from './postgres.ts';
      console.log((await postgres()).url('postgres'));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = String((await once(child.stdout, 'data'))[0]).trim();
    expect(await accepts(url)).to.equal(true);
    child.kill('SIGKILL');
    expect(await refusesWithin(url, 10_000)).to.equal(true);
  });
});
