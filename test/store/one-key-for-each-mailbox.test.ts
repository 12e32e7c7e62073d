// The migration that compares addresses with their domains in ASCII, with accounts made before it.
import { join } from 'node:path';
import { expect } from 'chai';
import knexModule, { type Knex } from 'knex';
import { down, up } from '../../migrations/0023-one-key-for-each-mailbox.ts';
import { command, json } from '../cli/helpers.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly says: string;
}

onBothStores('accounts with two spellings of one mailbox', (store) => {
  let database: TestDatabase;
  let knex: Knex;

  before(async () => {
    database = await store.createMigrated();
    const file = { filename: join(database.dataDir, 'gatehouse.sqlite') };
    knex = knexModule({
      client: database.url ? 'pg' : 'better-sqlite3',
      connection: database.url ? { connectionString: database.url } : file,
      useNullAsDefault: true,
    });
    await down(knex);
  });
  after(async () => {
    await knex.destroy();
    database.remove();
  });

  const insert = (id: string, email: string, createdAt: number) =>
    knex('accounts').insert({
      id,
      email,
      email_key: email.trim().normalize('NFKC').toLowerCase(),
      role: 'user',
      status: 'active',
      generation: 1,
      email_verified: 0,
      existing: 0,
      created_at: createdAt,
      updated_at: createdAt,
    });
  const keys = async () => {
    const rows: Array<{ id: string; email_key: string }> = await knex('accounts').orderBy('id');
    return Object.fromEntries(rows.map(({ id, email_key: key }) => [id, key]));
  };

  it('keep the older one findable, lose none, and come back as they were', async () => {
    await insert('usr_A', 'Ada@München.de', 2);
    await insert('usr_B', 'ada@xn--mnchen-3ya.de', 1);
    await insert('usr_C', 'ada@mu\u0308nchen.DE ', 3).catch(() => undefined);
    await insert('usr_D', 'Bob@faß.de', 4);
    await insert('usr_E', 'eve@example.com', 5);
    await insert('usr_F', 'jo@пример.рф', 6);
    await insert('usr_G', 'jo@xn--e1afmkfd.xn--p1ai', 7);
    const before = await keys();
    await up(knex);
    expect(await keys()).to.deep.equal({
      usr_A: 'duplicate:usr_A',
      usr_B: 'ada@xn--mnchen-3ya.de',
      usr_D: 'bob@xn--fa-hia.de',
      usr_E: 'eve@example.com',
      usr_F: 'jo@xn--e1afmkfd.xn--p1ai',
      usr_G: 'duplicate:usr_G',
    });
    const shown = await json<{ id: string }>(['account', 'show', 'jo@пример.рф'], { database });
    expect(shown.id).to.equal('usr_F');
    const duplicate = await json<{ email: string }>(['account', 'show', 'usr_A'], { database });
    expect(duplicate.email).to.equal('Ada@München.de');
    await down(knex);
    expect(await keys()).to.deep.equal(before);
    await up(knex);
  });

  it('are named by gatehouse doctor, and no longer once they are gone', async () => {
    const find = async () => {
      const { stdout } = await command(['doctor', '--json'], { database });
      const findings = JSON.parse(stdout) as Finding[];
      return findings.find(({ check }) => check === 'email addresses');
    };
    const found = await find();
    expect(found?.ok).to.equal(false);
    expect(found?.says).to.include('usr_A (Ada@München.de), usr_G (jo@xn--e1afmkfd.xn--p1ai)');
    await knex('accounts').whereIn('id', ['usr_A', 'usr_G']).del();
    expect(await find()).to.include({ ok: true });
  });
});
