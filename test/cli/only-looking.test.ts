// Commands that look make nothing: no database, no master key, no signing key, no table.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { command, done, refused } from './helpers.ts';

const PERSON = JSON.stringify({ email: 'ada@example.com', name: 'Ada' });
const LOOKS: ReadonlyArray<readonly [args: readonly string[], stdin?: string]> = [
  [['doctor', '--json']],
  [['migrate', '--status']],
  [['migrate', '--down']],
  [['account', 'import', '-', '--dry-run'], PERSON],
];

async function tablesOf({ url }: TestDatabase): Promise<string[]> {
  if (url === undefined) return [];
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const found = await client.query(
    `select table_name from information_schema.tables where table_schema = 'public'`,
  );
  await client.end();
  return found.rows.map(({ table_name: name }) => name);
}

onBothStores('commands that only look', (store) => {
  let database: TestDatabase;
  afterEach(() => database.remove());

  for (const [args, stdin] of LOOKS) {
    it(`leave an empty place empty: ${args.join(' ')}`, async () => {
      database = await store.create();
      const looked = await command(args, { database, ...(stdin ? { stdin } : {}) });
      expect(looked).to.include({ code: 0, stderr: '' });
      expect(readdirSync(database.dataDir)).to.deep.equal([]);
      expect(await tablesOf(database)).to.deep.equal([]);
    });
  }

  it('change no byte of a database that is there', async () => {
    database = await store.create();
    await done(['migrate'], { database });
    const file = join(database.dataDir, 'gatehouse.sqlite');
    const bytes = () => (database.url ? '' : readFileSync(file, 'base64'));
    const before = [readdirSync(database.dataDir), bytes()];
    for (const [args, stdin] of LOOKS) {
      await command(args, { database, ...(stdin ? { stdin } : {}) });
    }
    expect([readdirSync(database.dataDir), bytes()]).to.deep.equal(before);
  });

  it('and commands about what is there say that nothing is, and make nothing', async () => {
    database = await store.create();
    for (const args of [
      ['keys', 'list'],
      ['account', 'list'],
      ['client', 'list'],
    ]) {
      expect(await refused(args, { database })).to.match(/gatehouse serve/);
    }
    expect(readdirSync(database.dataDir)).to.deep.equal([]);
    expect(await tablesOf(database)).to.deep.equal([]);
    // The first things of a house may come before its first start.
    await done(['account', 'create', 'ada@example.com'], { database });
    expect(await done(['account', 'list'], { database })).to.include('ada@example.com');
  });
});
