// gatehouse migrate, up and down, on both databases.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import pg from 'pg';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { done, json } from './helpers.ts';

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
    const { taken_back: takenBack = [] } = await migrate('--down');
    expect([...takenBack].sort()).to.deep.equal([...applied].sort());
    expect((await schemaOf(database)).length).to.be.lessThan(before.length / 2);
    expect(await migrate('--status')).to.deep.equal({ pending: applied });
    expect(await migrate()).to.deep.equal({ applied });
    expect(await schemaOf(database)).to.deep.equal(before);
  });
});
