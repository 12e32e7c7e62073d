// gatehouse doctor.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { sentenceFor } from '../../src/cli/output.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { onBothStores, SQLITE, type TestDatabase } from '../support/stores.ts';
import { command, done, sentence } from './helpers.ts';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly warning?: true;
  readonly says: string;
}

const failed = (findings: readonly Finding[]) =>
  findings.filter(({ ok }) => !ok).map(({ check }) => check);

/** What doctor finds, with exit 1 and one line where something is wrong. */
async function examine(
  database: TestDatabase,
  env: Record<string, string>,
): Promise<readonly Finding[]> {
  const result = await command(['doctor', '--json'], { database, env });
  const findings: Finding[] = JSON.parse(result.stdout);
  const count = failed(findings).length;
  expect(result.code).to.equal(count > 0 ? 1 : 0);
  if (count > 0) expect(sentence(result)).to.equal(`${count} of the checks failed.`);
  else expect(result.stderr).to.equal('');
  for (const { says } of findings) expect(says).to.match(/^[^\p{C}]+$/u);
  return findings;
}

onBothStores('gatehouse doctor', (store) => {
  let database: TestDatabase;
  before(async () => {
    database = await store.create();
    await done(['migrate'], { database });
  });
  after(() => database.remove());

  it('finds everything in order', async () => {
    const findings = await examine(database, {});
    expect(failed(findings)).to.deep.equal([]);
    const names = findings.map(({ check }) => check);
    expect(names).to.include.members(['data folder', 'database', 'signing keys', 'port']);
    const text = await done(['doctor'], { database });
    for (const name of names) expect(text).to.match(new RegExp(`^ok {4}${name}: `, 'm'));
    expect(text).to.include(`${store.name}, up to date`);
  });

  it('finds a master key that is not the one of the store', async () => {
    await done(['keys', 'list'], { database });
    const other = 'another-secret-of-at-least-32-characters';
    const findings = await examine(database, { GATEHOUSE_SECRET: other });
    const keys = findings.find(({ check }) => check === 'signing keys');
    expect(keys)
      .to.deep.include({ ok: false })
      .and.have.property('says')
      .that.includes('another GATEHOUSE_SECRET');
    expect(JSON.stringify(findings)).not.to.include(other);
  });
});

describe('what gatehouse doctor finds', () => {
  let database: TestDatabase;
  let busy: Server;
  before(async () => {
    database = await SQLITE.create();
    busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    database.remove();
    busy.close();
  });

  it('a port in use', async () => {
    const { port } = busy.address() as AddressInfo;
    const findings = await examine(database, { PORT: String(port) });
    expect(failed(findings)).to.deep.equal(['port']);
  });

  describe('beside a server', () => {
    let gatehouse: Gatehouse;
    before(async () => {
      gatehouse = await startGatehouse({ database });
    });
    after(() => gatehouse.pause());

    it('a command and a server that differ in the address, and no fault in a server that runs', async () => {
      const { port } = new URL(gatehouse.url);
      expect(failed(await examine(database, { PORT: port }))).to.deep.equal([]);
      const elsewhere = await examine(database, { PORT: port, ISSUER: 'http://localhost:9' });
      expect(failed(elsewhere)).to.deep.equal(['issuer', 'port']);
      for (const { ok, says } of elsewhere) {
        if (!ok) expect(says).to.include(gatehouse.url).and.include('http://localhost:9');
      }
      const args = ['account', 'create', 'invited@example.com'];
      const { stderr } = await command(args, { database, env: { ISSUER: 'http://localhost:9' } });
      expect(stderr).to.match(/^Note: The server .*ISSUER \(or PORT\)\.\n$/);
    });

    it('a redirect URI that an earlier release took and that can never match', async () => {
      const { clients, store } = gatehouse.core;
      const uris = { redirect_uris: ['https://a.example.com/'] };
      const { client } = await clients.create({ client_name: 'App', ...uris });
      const metadata = JSON.stringify({ redirect_uris: ['https://*.example.com/'] });
      const row = store.sql('clients').where({ id: client.id }).update({ metadata });
      await store.write(store.compile(row, 1));
      const findings = await examine(database, { ISSUER: '' });
      const found = findings.find(({ check }) => check === 'registrations');
      expect(found?.says).to.include(`${client.id}: "https://*.example.com/" contains "*"`);
      await clients.delete(client.id);
    });
  });

  const PRODUCTION = {
    NODE_ENV: 'production',
    ISSUER: 'https://id.example.com',
    GATEHOUSE_SECRET: 'a-master-key-for-this-test-alone-0123456789',
    TEST_CLOCK: '',
    GATEHOUSE_CONFIG: '',
    LOG_LEVEL: 'error',
  };
  const warned = (findings: readonly Finding[]) =>
    Object.fromEntries(
      findings.filter(({ warning }) => warning).map(({ check, says }) => [check, says]),
    );

  it('mails that nobody sends in production, with their folder and number', async () => {
    const own = await SQLITE.create();
    const outbox = join(own.dataDir, 'outbox');
    mkdirSync(outbox);
    for (const name of ['a.eml', 'b.eml', 'c.sms.json']) writeFileSync(join(outbox, name), '');
    const findings = await examine(own, PRODUCTION);
    expect(warned(findings)).to.have.all.keys('mail');
    expect(warned(findings).mail)
      .to.match(/^SMTP_URL \(mail\.smtp_url\) is not set/)
      .and.include(`${outbox} (2 there now)`);
    expect(await done(['doctor'], { database: own, env: PRODUCTION })).to.match(/^warn {2}mail: /m);
    const env = { ...PRODUCTION, SMTP_URL: 'smtps://smtp.example.com' };
    const later = await examine(own, env);
    expect(warned(later)).to.deep.equal({});
    const says = later.find(({ check }) => check === 'mail')?.says;
    expect(says).to.match(/^sent by smtp\.example\.com; 2 from before, never sent, in /);
    own.remove();
  });

  it('options that contradict each other, or that hardly anybody means', async () => {
    const own = await SQLITE.create();
    const file = join(own.dataDir, 'config.json');
    const config = {
      trusted_proxies: ['0.0.0.0/0', '10.0.0.0/8', '::/0'],
      sms: { enabled: false, webhook_url: 'https://sms.example.com' },
      http: { headers_timeout: 40 },
    };
    writeFileSync(file, JSON.stringify(config));
    const env = {
      ...PRODUCTION,
      GATEHOUSE_CONFIG: file,
      ISSUER: 'https://id',
      SMTP_URL: 'smtp://mailer:secret-word@smtp.example.com',
      SMS_WEBHOOK_SECRET: 'a-secret-for-the-webhook-of-32-letters',
    };
    const { configuration: says = '' } = warned(await examine(own, env));
    for (const part of [
      'TRUSTED_PROXIES (trusted_proxies) has 0.0.0.0/0: ',
      'has ::/0: ',
      'sms.enabled is off',
      'http.headers_timeout is longer',
      'mail.from is not set, and no-reply@id ',
      '?requireTLS=true',
    ]) {
      expect(says).to.include(part);
    }
    expect(says).not.to.include('10.0.0.0').and.not.to.include('secret-word');
    own.remove();
  });

  it('clients at private addresses, which are never called, as the registration said', async () => {
    const own = await SQLITE.create();
    const file = join(own.dataDir, 'config.json');
    writeFileSync(file, JSON.stringify({ outgoing: { allow_private: false } }));
    const options = { database: own, env: { GATEHOUSE_CONFIG: file } };
    const create = (uri: string) =>
      command(
        ['client', 'create', '--name', 'App', '--redirect-uri', 'https://app.example.com/'].concat([
          '--backchannel-logout-uri',
          uri,
          '--json',
        ]),
        options,
      );
    const ids: string[] = [];
    for (const [host, address] of [
      ['10.0.0.7', '10.0.0.7'],
      ['localhost', '(127.0.0.1|::1)'],
      ['[fd00::1]', 'fd00::1'],
    ] as const) {
      const { stdout, stderr } = await create(`http://${host}:81/logout`);
      ids.push((JSON.parse(stdout) as { client_id: string }).client_id);
      const uri = `http://${host}:81/logout`.replace(/[[\].]/g, '\\$&');
      const says = `${uri} is at a private address \\(${address}\\) and is never called while outgoing\\.allow_private is off`;
      expect(stderr).to.match(new RegExp(`^Warning: ${says}\\.\n$`));
    }
    const [id = ''] = ids;
    const update = ['client', 'update', id, '--backchannel-logout-uri', 'http://192.168.0.1/'];
    expect((await command(update, options)).stderr).to.match(/^Warning: http:\/\/192\.168\.0\.1\//);
    expect((await create('http://1.1.1.1/logout')).stderr).to.equal('');
    const { calls = '' } = warned(await examine(own, options.env));
    for (const each of ids) expect(calls).to.include(`${each}: http://`);
    expect(calls).not.to.include('1.1.1.1');
    expect(warned(await examine(own, {}))).to.deep.equal({});
    own.remove();
  });

  it('a client that names what is not configured', async () => {
    const typo = ['--resource', 'https://api.example.com', '--scope', 'openid reed'];
    const uri = ['--redirect-uri', 'http://app.example.com/callback'];
    const made = ['client', 'create', '--name', 'App', ...uri, ...typo];
    const { stdout, stderr } = await command([...made, '--json'], { database });
    expect(stderr).to.match(/^Warning: http:\/\/app\.example\.com\/callback is not encrypted/);
    const { client_id: id } = JSON.parse(stdout) as { client_id: string };
    const file = join(database.dataDir, 'default-client.json');
    writeFileSync(file, JSON.stringify({ api: { default_client_id: 'app_gone' } }));
    const findings = await examine(database, { ISSUER: '', GATEHOUSE_CONFIG: file });
    const says = (name: string) => findings.find(({ check }) => check === name)?.says;
    expect(says('registrations'))
      .to.match(/app_\S+ names https:\/\/api\.example\.com, reed: not/)
      .and.include('api.default_client_id is "app_gone": no such client is registered');
    expect(says('public clients')).to.include('1 with a redirect URI of plain http');
    await done(['client', 'delete', id], { database });
  });

  it('a database that is not there, without its password', async () => {
    const url = 'postgres://somebody:very-secret@127.0.0.1:1/none';
    const findings = await examine(database, { DATABASE_URL: url });
    expect(failed(findings)).to.include.members(['database', 'signing keys']);
    expect(findings.filter(({ says }) => says.includes('cannot be reached'))).to.have.length(1);
    expect(JSON.stringify(findings)).not.to.include('very-secret');
  });

  it('a file in the place of the folder', async () => {
    const file = join(database.dataDir, 'secret');
    await done(['keys', 'list'], { database });
    const findings = await examine(database, { DATA_DIR: file });
    expect(failed(findings)).to.deep.equal(['data folder']);
  });
});

describe('what the database says of its disk', () => {
  const cases = [
    ['SQLITE_FULL', /free space/],
    ['SQLITE_IOERR_SHMSIZE', /free space/],
    ['SQLITE_READONLY_DBMOVED', /the right/],
    ['SQLITE_CANTOPEN', /DATABASE_URL/],
  ] as const;
  for (const [code, cure] of cases) {
    it(`${code} comes with a cure`, () => {
      const said = sentenceFor(Object.assign(new Error('what it says'), { code }));
      expect(said).to.match(cure).and.include('what it says').and.include('DATA_DIR');
    });
  }
});
