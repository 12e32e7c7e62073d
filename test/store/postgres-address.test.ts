// Which ways a URL opens: hosts in their order, with and without TLS as libpq understands sslmode.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/lib/log.ts';
import { pendingMigrations } from '../../src/store/migrate.ts';
import { addressOf, openStore } from '../../src/store/open.ts';
import { addressFrom } from '../../src/store/postgres-address.ts';
import { refused } from '../cli/helpers.ts';
import { environment } from '../support/gatehouse.ts';
import { POSTGRES, type TestDatabase } from '../support/stores.ts';

describe('the ways to a PostgreSQL server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, 'certificate');
  after(() => rmSync(folder, { recursive: true }));

  const ways = (query: string, host = 'h') =>
    addressFrom(`postgres://u:p@${host}/db?${query}`).ways.map(({ ssl }) => {
      if (!ssl) return 'plain';
      const { rejectUnauthorized = true, checkServerIdentity, ca: root } = ssl as ConnectionOptions;
      const checks = rejectUnauthorized ? (checkServerIdentity ? 'chain' : 'name') : 'nothing';
      return `TLS, checks ${checks}${root ? ' by file' : ''}`;
    });

  for (const [query, expected] of [
    ['sslmode=disable', ['plain']],
    ['sslmode=allow', ['plain', 'TLS, checks nothing']],
    ['sslmode=prefer', ['TLS, checks nothing', 'plain']],
    ['', ['TLS, checks nothing', 'plain']],
    ['sslmode=require', ['TLS, checks nothing']],
    [`sslmode=require&sslrootcert=${ca}`, ['TLS, checks chain by file']],
    [`sslmode=verify-ca&sslrootcert=${ca}`, ['TLS, checks chain by file']],
    [`sslmode=verify-full&sslrootcert=${ca}`, ['TLS, checks name by file']],
    ['sslmode=verify-full', ['TLS, checks name']],
  ] as const) {
    it(`?${query.replace(ca, 'FILE')}: ${expected.join(', then ')}`, () => {
      expect(ways(query)).to.deep.equal(expected);
    });
  }

  it('ask for no TLS over a socket, and say which file cannot be read', () => {
    expect(ways('sslmode=require', '%2Ftmp')).to.deep.equal(['plain']);
    const absent = () => ways('sslmode=verify-full&sslrootcert=/nowhere/ca.pem');
    expect(absent).to.throw(/file of sslrootcert cannot be read \(ENOENT\)/);
  });

  describe('with a server', () => {
    let database: TestDatabase;
    let silent: Server;
    before(async () => {
      database = await POSTGRES.createMigrated();
      // Not PostgreSQL: it closes whatever comes.
      silent = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    });
    after(() => {
      silent.close();
      database.remove();
    });

    const at = (change: (url: string) => string) => ({
      ...database,
      url: change(String(database.url)),
    });
    const portOf = () => (silent.address() as AddressInfo).port;

    it('the second host is asked where the first is no server, by store and migrations', async () => {
      const first = `127.0.0.1:1,127.0.0.1:${portOf()},`;
      const two = at((url) => url.replace('@', `@${first}`));
      const config = loadConfig(environment(two, 3000));
      expect(await pendingMigrations(addressOf(config))).to.deep.equal([]);
      const store = openStore(config, createLog('silent'));
      const ones = await Promise.all(
        Array.from({ length: 12 }, () =>
          store.find(store.compile(store.sql.raw('select 1 as one'))),
        ),
      );
      expect(ones.every((row) => row?.one === 1)).to.equal(true);
      await store.close();
    });

    it('a server without TLS is refused where TLS was asked for, and said so', async () => {
      const strict = at((url) => `${url}?sslmode=require`);
      expect(await refused(['account', 'list'], { database: strict })).to.match(
        /offers no TLS .*sslmode/,
      );
    });

    it('a wrong password is told in the words of the server, without any password', async () => {
      const wrong = at((url) => url.replace(/:[^:@]+@/, ':very%2Fsecret@'));
      const why = await refused(['account', 'list'], { database: wrong });
      expect(why).to.include('password authentication failed').and.not.include('secret');
    });
  });
});
