// Every kind of command as people run it: a process that reads, prints, ends by itself, and says how.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { PASSWORD } from '../support/relying-party.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { command, done, json, misused, type Options, refused } from './helpers.ts';

const EMAIL = 'ada@example.com';

onBothStores('a command in a process of its own', (store) => {
  let database: TestDatabase;
  let options: Options;
  before(async () => {
    database = await store.create();
    options = { database, apart: true };
  });
  after(() => database.remove());

  it('makes what it was told to, and ends', async () => {
    expect(await done(['migrate'], options)).to.include('applied: 0001-foundations');
    const stdin = `${PASSWORD}\n`;
    const person = ['account', 'create', EMAIL, '--password-stdin'];
    const app = ['client', 'create', '--name', 'App', '--redirect-uri', 'https://app.example.com/'];
    const [account, client] = await Promise.all([
      json(person, { ...options, stdin }),
      json(app, options),
    ]);
    expect(account).to.include({ email: EMAIL, known_policy_version: 1 });
    expect(client).to.include({ client_name: 'App' });
    const [shown, clients] = await Promise.all([
      json(['account', 'show', EMAIL], options),
      json<unknown[]>(['client', 'list'], options),
    ]);
    expect(shown).to.deep.equal(account);
    expect(clients).to.have.length(1);
    const bye = await done(['client', 'delete', String(client.client_id)], options);
    expect(bye).to.equal(`Deleted ${client.client_id}.\n`);
    for (const file of readdirSync(database.dataDir)) {
      expect(statSync(join(database.dataDir, file)).mode & 0o077, file).to.equal(0);
    }
  });

  it('finds everything in order, and ends', async () => {
    const [findings, keys] = await Promise.all([
      json<Array<{ ok: boolean }>>(['doctor'], options),
      json<unknown[]>(['keys', 'list'], options),
    ]);
    expect(findings.filter(({ ok }) => !ok)).to.deep.equal([]);
    expect(keys).to.have.length(3);
  });

  it('exits with 1 where it refuses, with all that it has printed', async () => {
    const lines = Array.from({ length: 2_000 }, (_, line) => ({ email: `nobody ${line}` }));
    const stdin = lines.map((line) => JSON.stringify(line)).join('\n');
    const [report, why] = await Promise.all([
      command(['account', 'import', '-', '--json'], { ...options, stdin }),
      refused(['account', 'show', 'usr_unknown'], options),
    ]);
    expect(report).to.include({ code: 1, stderr: 'gatehouse: 2000 lines were refused.\n' });
    expect(JSON.parse(report.stdout).errors).to.have.length(2_000);
    expect(why).to.equal('No account is "usr_unknown".');
  });

  it('exits with 2 where it is misused', async () => {
    expect(await misused(['account', 'create'], options)).to.include('email');
  });
});
