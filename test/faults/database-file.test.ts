// The file of SQLite is locked, deleted, replaced or damaged under a server that runs.
import {
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { command, done, refused } from '../cli/helpers.ts';
import { freePort } from '../support/ports.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

const FILE = 'gatehouse.sqlite';
const LOUD = { LOG_LEVEL: 'info' };

describe('the file of the database', () => {
  let database: TestDatabase;
  let server: GatehouseProcess;
  let file: string;

  beforeEach(async () => {
    database = await SQLITE.createMigrated();
    file = join(database.dataDir, FILE);
    await done(['account', 'create', 'ada@example.com'], { database });
    server = await startProcess({ database, port: await freePort(), env: LOUD });
  });
  afterEach(async () => {
    await server.stop();
    database.remove();
  });

  const ready = async () => (await fetch(`${server.url}/health/ready`)).status;
  const until = async (status: number) => {
    while ((await ready()) !== status) await sleep(25);
  };
  /** It writes: the clock of the tests is a row. */
  const write = () =>
    fetch(`${server.url}/test/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ advance: '1s' }),
    });
  const saysFatal = (text: RegExp) =>
    server
      .output()
      .split('\n')
      .filter((line) => line.includes('"level":60') && text.test(line));

  it('locked by another process: not ready until it is free again', async () => {
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    await until(503);
    const refusal = await fetch(`${server.url}/health/ready`);
    expect(refusal.status).to.equal(503);
    expect(refusal.headers.get('retry-after')).to.equal('1');
    other.exec('COMMIT');
    other.close();
    await until(200);
  });

  it('deleted: the very next write is refused, nothing makes another one unasked', async () => {
    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`);
    const answer = await write();
    expect(answer.status).to.equal(503);
    expect(answer.headers.get('retry-after')).to.match(/^\d+$/);
    await until(503);
    expect(
      saysFatal(/gatehouse\.sqlite was deleted while it was in use.*put back a backup/),
    ).to.have.length(1);
    const adds = ['account', 'create', 'grace@example.com'];
    for (const args of [['account', 'list'], adds]) {
      expect(await refused(args, { database })).to.match(/there was one: put it back/);
    }
    await server.stop();
    const again = await command(['serve', '--no-demo'], { database });
    expect(again.code).to.equal(1);
    expect(again.stderr).to.match(/there was one: put it back, or a backup\. "gatehouse migrate"/);
    await done(['migrate'], { database });
    expect(await done(['account', 'list'], { database })).to.equal('(none)\n');
  });

  it('replaced: refused until the one that was opened is back', async () => {
    const aside = join(database.dataDir, 'aside');
    renameSync(file, aside);
    copyFileSync(aside, file);
    expect((await write()).status).to.equal(503);
    await until(503);
    expect(saysFatal(/gatehouse\.sqlite was replaced/)).to.have.length(1);
    renameSync(aside, file);
    await until(200);
    expect((await write()).status).to.equal(200);
  });

  it('damaged: not ready, with the cure in the log, and never 500', async () => {
    const other = new Database(file);
    other.pragma('wal_checkpoint(TRUNCATE)');
    other.close();
    const { size } = statSync(file);
    const handle = openSync(file, 'r+');
    // The first page is the one that every process has seen already.
    for (let at = 4096; at < size; at += 4096)
      writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, at);
    closeSync(handle);
    await until(503);
    expect(saysFatal(/the database file is damaged\. Stop .* put back a backup/)).to.have.length(1);
    // Another process has changed it: what this one remembers counts no longer.
    const statuses = [];
    for (const path of [
      '/authorize?client_id=app_x&response_type=code',
      '/sign-in/x',
      '/account',
    ]) {
      statuses.push((await fetch(`${server.url}${path}`, { redirect: 'manual' })).status);
    }
    statuses.push((await write()).status);
    expect(statuses).not.to.include(500);
    expect(await ready()).to.equal(503);
    expect(await refused(['account', 'list'], { database })).to.match(/damaged/);
  });
});
