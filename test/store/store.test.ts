// One contract for both databases: units that happen whole or not at all, and what is read back.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { randomId } from '../../src/lib/ids.ts';
import { createLog } from '../../src/lib/log.ts';
import { createAccountTable } from '../../src/store/accounts.ts';
import { createArtifactTable } from '../../src/store/artifacts.ts';
import { TABLES } from '../../src/store/examine.ts';
import { migrateUp, pendingMigrations } from '../../src/store/migrate.ts';
import { migrateDown, NOTHING } from '../../src/store/migrate-down.ts';
import { addressOf, openStore } from '../../src/store/open.ts';
import { createSessionTable } from '../../src/store/sessions.ts';
import { createSettingTable } from '../../src/store/settings.ts';
import type { Statement } from '../../src/store/statement.ts';
import type { Store } from '../../src/store/store.ts';
import { sweep, sweepInTurn } from '../../src/store/sweep.ts';
import { environment } from '../support/gatehouse.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';

onBothStores('the store', (kind) => {
  let database: TestDatabase;
  let store: Store;
  const config = () => loadConfig(environment(database, 3000));

  before(async () => {
    database = await kind.create();
    await migrateUp(addressOf(config()));
    store = openStore(config(), createLog('silent'));
  });
  after(async () => {
    await store.close();
    database.remove();
  });

  const insert = (name: string, value = 'v'): Statement =>
    store.compile(store.sql('settings').insert({ name, value }), 1);
  const update = (name: string, was: string, value: string): Statement =>
    store.compile(store.sql('settings').where({ name, value: was }).update({ value }), 1);
  const stored = (name: string) => createSettingTable(store).find(name);

  describe('a unit', () => {
    it('happens whole', async () => {
      expect(await store.commit([insert('a'), insert('b')])).to.deep.equal({ kind: 'committed' });
      expect([await stored('a'), await stored('b')]).to.deep.equal(['v', 'v']);
    });

    it('that misses a row leaves nothing behind and says which statement it was', async () => {
      const outcome = await store.commit([insert('c'), update('a', 'other', 'x'), insert('d')]);
      expect(outcome).to.deep.equal({ kind: 'conflict', at: 1 });
      expect([await stored('c'), await stored('d')]).to.deep.equal([undefined, undefined]);
    });

    it('that breaks leaves nothing behind and harms no neighbour', async () => {
      const broken: Statement = { sql: 'insert into nowhere values (1)', bindings: [] };
      const [good, bad, twice, also] = await Promise.allSettled([
        store.commit([insert('e')]),
        store.commit([insert('f'), broken]),
        store.commit([insert('g'), insert('a')]),
        store.commit([insert('h')]),
      ]);
      expect([good.status, bad.status, also.status]).to.deep.equal([
        'fulfilled',
        'rejected',
        'fulfilled',
      ]);
      expect((twice as PromiseRejectedResult).reason).to.include({ code: 'already_exists' });
      const left = await Promise.all(['e', 'f', 'g', 'h'].map(stored));
      expect(left).to.deep.equal(['v', undefined, undefined, 'v']);
    });

    it('with a question as guard is held up by its answer', async () => {
      const guard = (value: string) =>
        store.compile(store.sql('settings').where({ name: 'a', value }).select('name'), 1);
      expect((await store.commit([guard('v'), insert('i')])).kind).to.equal('committed');
      expect((await store.commit([guard('w'), insert('j')])).kind).to.equal('conflict');
    });

    it('is won by one of a hundred that race for the same row', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, i) => store.commit([update('b', 'v', `winner ${i}`)])),
      );
      expect(outcomes.filter(({ kind: each }) => each === 'committed')).to.have.length(1);
    });
  });

  describe('artifacts', () => {
    const artifact = (key: string, more = {}) => ({
      model: 'RefreshToken',
      key,
      clientId: 'app',
      grantKey: 'grant',
      payload: { text: 'ünï\u0000code' },
      expiresAt: 9e12,
      ...more,
    });

    it('are spent once of fifty', async () => {
      const artifactTable = createArtifactTable(store);
      await store.write(artifactTable.put(artifact('k1'), 1));
      const spend = () => store.commit([artifactTable.consume('RefreshToken', 'k1', 5)]);
      const outcomes = await Promise.all(Array.from({ length: 50 }, spend));
      expect(outcomes.filter(({ kind: each }) => each === 'committed')).to.have.length(1);
      const found = await artifactTable.find('RefreshToken', 'k1');
      expect(found).to.deep.include({ consumedAt: 5, payload: { text: 'ünï\u0000code' } });
    });

    it('inserted once are there once of fifty', async () => {
      const artifactTable = createArtifactTable(store);
      const add = () => store.commit([artifactTable.insertOnce(artifact('k2'), 1)]);
      const outcomes = await Promise.all(Array.from({ length: 50 }, add));
      expect(outcomes.filter(({ kind: each }) => each === 'committed')).to.have.length(1);
    });

    it('are gone with their account and with its generation, and keep the one they were made with', async () => {
      const artifactTable = createArtifactTable(store);
      const accountTable = createAccountTable(store);
      const id = `usr_${randomId()}`;
      const person = { id, email: `${id}@example.com`, normalizedEmail: `${id}@example.com` };
      const rest = { name: undefined, role: 'user', passwordHash: undefined } as const;
      await store.write(accountTable.insert({ ...person, ...rest, emailVerified: false, at: 1 }));
      await store.write(artifactTable.put(artifact('k3', { accountId: id, generation: 1 }), 1));
      const bumpGeneration = store.sql('accounts').where({ id }).increment('generation', 1);
      await store.write(store.compile(bumpGeneration, 1));
      // An update with the new number does not lift it.
      await store.write(artifactTable.put(artifact('k3', { accountId: id, generation: 2 }), 2));
      expect(await artifactTable.find('RefreshToken', 'k3')).to.equal(undefined);
      await store.write(artifactTable.put(artifact('k4', { accountId: id, generation: 2 }), 2));
      expect((await artifactTable.find('RefreshToken', 'k4'))?.generation).to.equal(2);
      await store.write(accountTable.delete(id));
      expect(await artifactTable.find('RefreshToken', 'k4')).to.equal(undefined);
    });
  });

  it('a session that has ended is changed by nothing', async () => {
    const sessionTable = createSessionTable(store);
    const times = { seenAt: 1, createdAt: 1, expiresAt: 9e12 };
    const none = {
      accountId: undefined,
      generation: undefined,
      login: undefined,
      origin: undefined,
    };
    await store.write(
      sessionTable.insert({ uid: 'u', key: 'k', ...none, state: undefined, ...times }),
    );
    expect(await sessionTable.findByKey('k', 2)).to.include({ uid: 'u' });
    await store.write(sessionTable.end('u', 3));
    expect(await sessionTable.findByKey('k', 4)).to.equal(undefined);
    expect((await store.commit([sessionTable.update('u', { seenAt: 5 })])).kind).to.equal(
      'conflict',
    );
    expect((await store.commit([sessionTable.guard('u')])).kind).to.equal('conflict');
  });

  it('expired rows go in batches, others stay', async () => {
    const artifactTable = createArtifactTable(store);
    const old = Array.from({ length: 450 }, (_, i) => ({ key: `old-${i}`, expiresAt: 1000 }));
    const rows = [...old, { key: 'young', expiresAt: 9e12 }].map((each) => ({
      model: 'AccessToken',
      payload: {},
      ...each,
    }));
    await store.write(...rows.map((row) => artifactTable.put(row, 1)));
    expect(await sweep(store, 1_000_000)).to.be.at.least(450);
    expect(await artifactTable.find('AccessToken', 'old-7')).to.equal(undefined);
    expect(await artifactTable.find('AccessToken', 'young')).not.to.equal(undefined);
  });

  it('one process of all sweeps at a time, also when a clock was set back', async () => {
    const { signal } = new AbortController();
    const turns = () =>
      Promise.all(Array.from({ length: 8 }, () => sweepInTurn(store, 1_000_000, signal)));
    const isTurn = (removed: number | undefined) => removed !== undefined;
    expect((await turns()).filter(isTurn)).to.have.length(1);
    expect((await turns()).filter(isTurn)).to.have.length(0);
    await createSettingTable(store).set('sweep_until', String(Date.now() + 86_400_000));
    expect((await turns()).filter(isTurn)).to.have.length(1);
  });

  it('names all tables that the migrations make as those it needs', async () => {
    const { sql } = store;
    const all =
      kind.name === 'SQLite'
        ? sql('sqlite_schema').where({ type: 'table' }).select('name')
        : sql('pg_tables').where({ schemaname: 'public' }).select({ name: 'tablename' });
    const found = (await store.all(store.compile(all))).map(({ name }) => String(name));
    const made = found.filter((name) => !/^(migrations|sqlite_)/.test(name));
    expect([...TABLES].sort()).to.deep.equal(made.sort());
  });

  if (kind.name === 'SQLite') {
    it('waits for another process that holds the file, and gives up with words', async () => {
      const other = new Database(join(database.dataDir, 'gatehouse.sqlite'));
      other.exec('BEGIN IMMEDIATE');
      const waiting = store.commit([insert('waited')]);
      setTimeout(() => other.exec('COMMIT'), 300);
      expect((await waiting).kind).to.equal('committed');
      other.close();
    });
  }

  it('migrations go down to nothing and up again', async () => {
    const fresh = await kind.create();
    const address = addressOf(loadConfig(environment(fresh, 3000)));
    const first = await migrateUp(address);
    expect(first.applied).to.include('0001-foundations');
    expect(await migrateDown(address, NOTHING)).to.have.length(first.applied.length);
    expect(await pendingMigrations(address)).to.deep.equal(first.applied);
    const both = await Promise.all([migrateUp(address), migrateUp(address)]);
    expect(both.flatMap(({ applied }) => applied)).to.deep.equal(first.applied);
    fresh.remove();
  });

  it('eight first starts at once migrate once, and leave a lock that can be taken', async () => {
    for (let round = 0; round < 4; round += 1) {
      const fresh = await kind.create();
      const address = addressOf(loadConfig(environment(fresh, 3000)));
      const all = await Promise.all(Array.from({ length: 8 }, () => migrateUp(address)));
      expect(all.filter(({ applied }) => applied.length > 0)).to.have.length(1);
      expect(await migrateDown(address, NOTHING)).to.have.length.greaterThan(5);
      fresh.remove();
    }
  });
});
