// PostgreSQL goes away and comes back, or changes under a running node: the node serves on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { environment, freePort } from '../support/gatehouse.ts';
import { type Running, startPostgres } from '../support/postgres.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import {
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import type { TestDatabase } from '../support/stores.ts';

describe('PostgreSQL away', () => {
  let postgres: Running;
  let database: TestDatabase;
  let core: Core;
  let server: GatehouseProcess;
  let party: RelyingParty;
  let token: string;

  before(async () => {
    postgres = await startPostgres();
    const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
    const remove = () => rmSync(dataDir, { recursive: true, force: true });
    database = { dataDir, url: await postgres.createDatabase(), remove };
    const port = await freePort();
    core = await openCore(loadConfig(environment(database, port)));
    server = await startProcess({ database, port, env: { LOG_LEVEL: 'info' } });
    const site = { core, url: server.url };
    party = await createRelyingParty(site);
    token = (await signIn(site, party, await createPerson(site))).tokens.access_token;
  });
  after(async () => {
    await server.stop();
    await core.close();
    await postgres.stop();
    database.remove();
  });

  const ask = () => party.userinfo(token).then(({ status }) => status);
  const statuses = (count: number) => Promise.all(Array.from({ length: count }, ask));
  const untilServed = async () => {
    while ((await ask()) !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('a column added by a newer node disturbs nobody', async () => {
    await statuses(20);
    const admin = new pg.Client(database.url);
    await admin.connect();
    await admin.query('alter table accounts add column later text');
    await admin.query('alter table clients add column later text');
    await admin.end();
    expect(new Set(await statuses(40))).to.deep.equal(new Set([200]));
  });

  it('connections cut in the middle are 503 at worst, and it goes on', async () => {
    const admin = new pg.Client(database.url);
    await admin.connect();
    const seen: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const [answers] = await Promise.all([
        statuses(16),
        admin.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
        ),
      ]);
      seen.push(...answers);
    }
    await admin.end();
    expect(seen.filter((status) => ![200, 503].includes(status))).to.deep.equal([]);
    await untilServed();
  });

  for (const mode of ['fast', 'immediate'] as const) {
    it(`a ${mode} restart needs no hands`, async () => {
      const load = Promise.all(Array.from({ length: 5 }, () => statuses(8)));
      await postgres.restart(mode);
      const seen = (await load).flat();
      expect(seen.filter((status) => ![200, 503].includes(status))).to.deep.equal([]);
      await untilServed();
    });
  }

  it('while it is away health says so and requests are 503 with Retry-After', async () => {
    await postgres.halt('fast');
    const isReady = async () => (await fetch(`${server.url}/health/ready`)).status !== 503;
    // What it knows may be a second old.
    while (await isReady()) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await fetch(`${server.url}/health/live`)).status).to.equal(200);
    const refused = await party.userinfo(token);
    expect(refused.status).to.equal(503);
    expect(Number(refused.headers.get('retry-after'))).to.be.greaterThan(0);
    expect(JSON.stringify(refused.body)).not.to.match(/ECONN|postgres|\.ts\b|\n +at /i);
    const before = server.output().length;
    await statuses(40);
    // The outbox and the watch over keys meet the same.
    const stacks =
      server
        .output()
        .slice(before)
        .match(/"stack":/g) ?? [];
    expect(stacks.length, 'stack traces in the log').to.be.below(3);
    await postgres.resume();
    await untilServed();
  });
});
