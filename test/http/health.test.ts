// Whether it lives, and whether it can serve: also while the database is away.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { type Running, startPostgres } from '../support/postgres.ts';
import { onBothStores, SQLITE } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';
import { expectNoInside, send } from './helpers.ts';

const CUT = "select pg_terminate_backend(pid) from pg_stat_activity where datname = '%'";

onBothStores('health', (store) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  it('says that it lives and is ready, and sets no cookie', async () => {
    const live = await send(gatehouse.url, '/health/live');
    expect(live.status).to.equal(200);
    expect(JSON.parse(live.text)).to.deep.equal({ status: 'ok' });
    const ready = await send(gatehouse.url, '/health/ready');
    expect(ready.status).to.equal(200);
    expect(JSON.parse(ready.text)).to.deep.equal({ status: 'ok', store: 'ok' });
    for (const { headers } of [live, ready]) {
      expect(headers.get('content-type')).to.equal('application/json; charset=utf-8');
      expect(headers.getSetCookie()).to.deep.equal([]);
    }
  });

  it('answers HEAD, and nothing below', async () => {
    const head = await send(gatehouse.url, '/health/ready', { method: 'HEAD' });
    expect(head).to.include({ status: 200, text: '' });
    for (const path of ['/health', '/health/', '/health/nowhere', '/health/live/x']) {
      expect((await send(gatehouse.url, path)).status, path).to.equal(404);
    }
    expect((await send(gatehouse.url, '/health/live', { method: 'POST' })).status).to.be.within(
      404,
      405,
    );
  });
});

describe('health while PostgreSQL is away', () => {
  let server: Running;
  let gatehouse: Gatehouse;
  before(async () => {
    server = await startPostgres();
    const url = await server.createDatabase();
    const folder = await SQLITE.create();
    gatehouse = await startGatehouse({ database: { ...folder, url } });
  });
  let isAway = false;
  afterEach(async () => {
    if (isAway) await server.resume();
    isAway = false;
  });
  after(async () => {
    await gatehouse.stop();
    await server.stop();
  });

  // What was found is believed for a second.
  const until = async (status: number) => {
    while ((await send(gatehouse.url, '/health/ready')).status !== status) await sleep(25);
  };
  const name = () => new URL(String(gatehouse.database.url)).pathname.slice(1);
  const execute = async (sql: string) => {
    const admin = new pg.Client({ connectionString: server.url('postgres') });
    await admin.connect();
    await admin.query(sql.replace('%', name()));
    await admin.end();
  };

  for (const mode of ['fast', 'immediate'] as const) {
    it(`turns to 503 and back again (${mode} shutdown), and lives all the time`, async () => {
      expect((await send(gatehouse.url, '/health/ready')).status).to.equal(200);
      isAway = true;
      await server.halt(mode);
      await until(503);
      const away = await send(gatehouse.url, '/health/ready');
      expect(away.headers.get('retry-after')).to.equal('1');
      expect(JSON.parse(away.text)).to.deep.equal({ status: 'unavailable', store: 'unavailable' });
      expect((await send(gatehouse.url, '/health/live')).status).to.equal(200);
      expect((await send(gatehouse.url, '/.well-known/openid-configuration')).status).to.equal(200);
      const page = await createWeb(gatehouse.url).once(`${gatehouse.url}/account`);
      expect(page.status).to.equal(503);
      expect(page.headers.get('retry-after')).to.match(/^[1-9]\d?$/);
      expect(titleOf(page)).to.equal('Something went wrong');
      expectNoInside(page);
      await server.resume();
      isAway = false;
      await until(200);
    });
  }

  it('is not ready while the database takes no writes', async () => {
    await until(200);
    await execute(`alter database ${name()} set default_transaction_read_only = on`);
    await execute(CUT);
    await until(503);
    await execute(`alter database ${name()} reset default_transaction_read_only`);
    await execute(CUT);
    await until(200);
  });
});
