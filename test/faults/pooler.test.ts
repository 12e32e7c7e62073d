// Through a pooler: it refuses parameters of the connection, and changes the backend behind it.
import { expect } from 'chai';
import pg from 'pg';
import { done, refused } from '../cli/helpers.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { type Pooler, startPooler } from '../support/pooler.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { POSTGRES, type TestDatabase } from '../support/stores.ts';

describe('through a pooler of transactions', () => {
  let direct: TestDatabase;
  let database: TestDatabase;
  let pooler: Pooler;
  before(async () => {
    direct = await POSTGRES.create();
    pooler = await startPooler(String(direct.url));
    database = { ...direct, url: pooler.url };
  });
  after(async () => {
    await pooler.stop();
    direct.remove();
  });

  it('tables are made, people sign in side by side, and each backend has its share', async () => {
    await done(['migrate'], { database });
    const gatehouse: Gatehouse = await startGatehouse({ database });
    try {
      const party = await createRelyingParty(gatehouse);
      const people = await Promise.all(Array.from({ length: 4 }, () => createPerson(gatehouse)));
      const all = await Promise.all(people.map((person) => signIn(gatehouse, party, person)));
      for (const { tokens } of all) {
        expect((await party.refresh(String(tokens.refresh_token))).status).to.equal(200);
      }
      expect((await fetch(`${gatehouse.url}/health/ready`)).status).to.equal(200);
      // A newer node has changed a table: what backends have prepared is of no use any more.
      const admin = new pg.Client({ connectionString: direct.url });
      await admin.connect();
      await admin.query('alter table accounts add column later text');
      await admin.end();
      const [person] = people;
      if (person)
        expect((await signIn(gatehouse, party, person)).tokens.id_token).to.be.a('string');
    } finally {
      await gatehouse.pause();
    }
    for (const count of pooler.served) expect(count).to.be.greaterThan(20);
  });

  it('what it does not pass on is named, with the cure and without the password', async () => {
    const url = new URL(pooler.url);
    url.searchParams.set('options', '-c search_path=public');
    const why = await refused(['account', 'list'], { database: { ...database, url: url.href } });
    expect(why)
      .to.include('unsupported startup parameter: options')
      .and.include('ignore_startup_parameters');
    expect(why).not.to.include(url.password);
  });
});
