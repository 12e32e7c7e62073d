// Sign-ins that hang in the database hold up neither tokens nor health: there are connections they never get.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { type Application, createApplication } from '../support/application.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress } from '../support/guesses.ts';
import { createPerson, type Person } from '../support/relying-party.ts';
import { POSTGRES } from '../support/stores.ts';

const CONNECTIONS = 4;

describe('tokens behind sign-ins that hang (PostgreSQL)', () => {
  let gatehouse: Gatehouse;
  let application: Application;
  let person: Person;
  let other: pg.Client;

  before(async () => {
    const database = await POSTGRES.createMigrated();
    const file = join(database.dataDir, 'few-connections.json');
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, store: { pool: CONNECTIONS } }));
    const env = { ...BEHIND_PROXY, GATEHOUSE_CONFIG: file };
    gatehouse = await startGatehouse({ database, env });
    application = await createApplication(gatehouse);
    person = await createPerson(gatehouse);
    other = new pg.Client({ connectionString: String(gatehouse.database.url) });
    await other.connect();
  });
  after(async () => {
    await other.end();
    await gatehouse.stop();
  });

  const signIn = () =>
    application.post(
      'login',
      { email: person.email, password: person.password },
      { headers: { 'x-forwarded-for': freshAddress() } },
    );
  const blocked = async () => {
    const { rows } = await other.query(
      `select count(*)::int as n from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0].n as number;
  };

  it('refresh and readiness answer while twenty sign-ins wait for a lock', async () => {
    const { refreshToken } = (await signIn()).body;
    await other.query('begin');
    // Reading goes on: readiness looks at all tables.
    await other.query('lock table limit_counters in share mode');
    const hanging = Array.from({ length: 20 }, signIn);
    while ((await blocked()) < CONNECTIONS / 2) await new Promise((next) => setTimeout(next, 10));
    const refreshed = await application.post('refresh', { refreshToken });
    const ready = await fetch(`${gatehouse.url}/health/ready`);
    expect(await blocked(), 'they still wait').to.equal(CONNECTIONS / 2);
    await other.query('commit');
    expect(refreshed.status).to.equal(200);
    expect(ready.status).to.equal(200);
    const answers = await Promise.all(hanging);
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(20).fill(200));
  });
});
