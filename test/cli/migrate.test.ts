// gatehouse migrate, up and down, on both databases.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import pg from 'pg';
import { advanceClock, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { freePort } from '../support/ports.ts';
import { startProcess } from '../support/processes.ts';
import { createPerson } from '../support/relying-party.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { command, done, json, misused, refused } from './helpers.ts';

interface Report {
  readonly applied?: readonly string[];
  readonly taken_back?: readonly string[];
  readonly pending?: readonly string[];
}

/** Everything that the migrations have made, in an order that says nothing of when. */
async function schemaOf({ url, dataDir }: TestDatabase): Promise<unknown[]> {
  if (url === undefined) return schemaOfFile(join(dataDir, 'gatehouse.sqlite'));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const columns = await client.query(
    `select table_name, column_name, data_type, is_nullable, column_default
     from information_schema.columns where table_schema = 'public' order by 1, 2`,
  );
  const indexes = await client.query(
    `select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1`,
  );
  await client.end();
  return [...columns.rows, ...indexes.rows];
}

function schemaOfFile(file: string): unknown[] {
  const database = new Database(file, { readonly: true });
  const rows = database.prepare('select name, sql from sqlite_schema order by name').all();
  database.close();
  return rows;
}

onBothStores('gatehouse migrate', (store) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await store.create();
  });
  afterEach(() => database.remove());

  const migrate = (...options: string[]) => json<Report>(['migrate', ...options], { database });

  it('brings the tables up, says which, and then finds nothing to do', async () => {
    const { pending = [] } = await migrate('--status');
    expect(pending).to.include('0001-foundations');
    expect(await migrate()).to.deep.equal({ applied: pending });
    expect(await migrate('--status')).to.deep.equal({ pending: [] });
    expect(await done(['migrate'], { database })).to.equal('applied: nothing\n');
  });

  it('works when two run at once', async () => {
    const { pending = [] } = await migrate('--status');
    const apart = () => json<Report>(['migrate'], { database, apart: true });
    const reports = await Promise.all([apart(), apart()]);
    const applied = reports.flatMap((report) => report.applied ?? []);
    expect(applied.sort()).to.deep.equal([...pending].sort());
    expect(await migrate('--status')).to.deep.equal({ pending: [] });
  });

  it('goes down and up again to the same tables', async () => {
    const { applied = [] } = await migrate();
    const before = await schemaOf(database);
    expect(before.length).to.be.greaterThan(20);
    const { taken_back: takenBack = [] } = await migrate('--down', '--to', 'nothing', '--yes');
    expect([...takenBack].sort()).to.deep.equal([...applied].sort());
    expect((await schemaOf(database)).length).to.be.lessThan(before.length / 2);
    expect(await migrate('--status')).to.deep.equal({ pending: applied });
    expect(await migrate()).to.deep.equal({ applied });
    expect(await schemaOf(database)).to.deep.equal(before);
  });

  it('takes back one at a time, or down to one that is named', async () => {
    const { applied = [] } = await migrate();
    const back = async (...options: string[]) =>
      (await migrate('--down', '--yes', ...options)).taken_back;
    expect(await back()).to.deep.equal(applied.slice(-1));
    expect(await migrate('--status')).to.deep.equal({ pending: applied.slice(-1) });
    const [to = ''] = applied.slice(-4);
    expect(await back('--to', to)).to.deep.equal(applied.slice(-3, -1).toReversed());
    expect(await migrate('--status')).to.deep.equal({ pending: applied.slice(-3) });
    expect(await back('--to', '0005')).to.have.length(applied.indexOf(to) - 4);
    const why = await refused(['migrate', '--down', '--to', '0099-none', '--yes'], { database });
    expect(why).to.include('No migration "0099-none" is applied').and.include('0001-foundations');
    expect(await misused(['migrate', '--yes'], { database })).to.include('--down');
  });

  it('says what would be lost, with the rows, and does nothing before --yes', async () => {
    await migrate();
    for (const each of ['ada', 'grace']) {
      await done(['account', 'create', `${each}@example.com`], { database });
    }
    const before = await schemaOf(database);
    const asked = await command(['migrate', '--down', '--to', '0003'], { database });
    expect(asked).to.include({ code: 1, stdout: '' });
    expect(asked.stderr)
      .to.match(/^gatehouse: This data will be lost with .*0004-second-factor\. .*--yes/m)
      .and.match(/^ {2}- table authenticators: 0 rows$/m)
      .and.match(/^ {2}- table audit_events: \d+ rows$/m)
      .and.match(/^ {2}- table one_time_links: 2 rows$/m)
      .and.match(/^ {2}- column mfa_enrolled_at of accounts: 0 rows$/m);
    expect(await schemaOf(database)).to.deep.equal(before);
    expect(await migrate('--status')).to.deep.equal({ pending: [] });
  });

  it('an older release names the one that it needs', async () => {
    await migrate();
    await change(database, `insert into migrations (name, batch) values ('9999-later', 9)`);
    await change(database, `update settings set value = '9.1.0' where name = 'migrated_by'`);
    for (const args of [['serve'], ['account', 'list'], ['migrate']]) {
      const why = await refused(args, { database });
      expect(why)
        .to.include('Gatehouse 9.1.0 (9999-later)')
        .and.match(/start that one/);
    }
    expect(await refused(['migrate', '--down'], { database })).to.match(/newer release/);
  });
});

async function change({ url, dataDir }: TestDatabase, sql: string): Promise<void> {
  if (url === undefined) {
    const file = new Database(join(dataDir, 'gatehouse.sqlite'));
    file.exec(sql);
    file.close();
    return;
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

onBothStores('gatehouse migrate --down beside a server', (store) => {
  let gatehouse: Gatehouse;
  let database: TestDatabase;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    database = gatehouse.database;
    await createPerson(gatehouse);
  });
  after(() => database.remove());

  const down = () => refused(['migrate', '--down', '--yes'], { database });

  it('is refused, whatever time the test clock has, and the server goes on', async () => {
    expect(await down()).to.match(/^A server uses this database \(.+\): stop/);
    await gatehouse.advance('8d');
    expect(await down()).to.match(/^A server uses this database/);
    await advanceClock(gatehouse.url, undefined);
    expect((await fetch(`${gatehouse.url}/health/ready`)).status).to.equal(200);
  });

  const add = (id: string, at: number) => {
    const { store: own } = gatehouse.core;
    const row = { id, started_at: at, seen_at: at, version: '1.0.0' };
    return own.write(own.compile(own.sql('nodes').insert(row)));
  };

  // Nothing here is about SQL, and it takes its time.
  if (store.name === 'SQLite') {
    it('is refused beside one whose clock is far off', async () => {
      await gatehouse.core.node.end();
      await add('other/1/x', Date.now() - 86_400_000);
      const { store: own } = gatehouse.core;
      const renewed = setInterval(() => {
        const later = own.sql('nodes').update({ seen_at: own.sql.raw('seen_at + 2000') });
        void own.run(own.compile(later));
      }, 500);
      expect(await down().finally(() => clearInterval(renewed))).to.include('other/1/x');
    });
  }

  it('is done once all have stopped', async () => {
    await gatehouse.pause();
    const taken = await json<Report>(['migrate', '--down', '--yes'], { database });
    expect(taken.taken_back).to.have.length(1);
  });
});

onBothStores('a server whose tables are taken away', (store) => {
  it('says that it is not ready, and never answers 500', async () => {
    const database = await store.createMigrated();
    const server = await startProcess({ database, port: await freePort() });
    try {
      await change(database, 'drop table consents');
      const ready = () => fetch(`${server.url}/health/ready`);
      while ((await ready()).status !== 503) await new Promise((go) => setTimeout(go, 50));
      expect((await ready()).headers.get('retry-after')).to.equal('1');
      await change(database, 'drop table clients');
      const asked = await fetch(`${server.url}/authorize?client_id=app&response_type=code`);
      expect(asked.status).to.equal(503);
      expect(asked.headers.get('retry-after')).to.match(/^\d+$/);
    } finally {
      await server.stop();
      database.remove();
    }
  });
});
