// Commands as people run them: processes that read, print, end by themselves, and say how.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { environment } from '../support/gatehouse.ts';
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

  it('makes what it was told to, for its owner alone, and ends', async () => {
    expect(await done(['migrate'], options)).to.include('applied: 0001-foundations');
    const args = ['account', 'create', EMAIL, '--password-stdin'];
    const account = await json(args, { ...options, stdin: `${PASSWORD}\n` });
    expect(account).to.include({ email: EMAIL, known_policy_version: 1 });
    for (const file of readdirSync(database.dataDir)) {
      expect(statSync(join(database.dataDir, file)).mode & 0o077, file).to.equal(0);
    }
    const findings = await json<Array<{ ok: boolean }>>(['doctor'], options);
    expect(findings.filter(({ ok }) => !ok)).to.deep.equal([]);
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
    expect(why).to.equal('No account found for "usr_unknown".');
  });

  it('exits with 1 where what it prints is lost, a secret perhaps', async () => {
    const file = join(database.dataDir, 'output');
    writeFileSync(file, '', { mode: 0o600 });
    const readOnly = openSync(file, 'r');
    const args = ['account', 'create', 'lost@example.com', '--json'];
    const { status, stderr } = spawnSync(join(PROJECT_ROOT, 'bin/gatehouse'), args, {
      env: { PATH: process.env.PATH, ...environment(database, 0) },
      stdio: ['ignore', readOnly, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(readOnly);
    expect(status).to.equal(1);
    expect(stderr).to.match(/^gatehouse: Standard output cannot be written \(E[A-Z]+\)\. .+\n$/);
    await done(['account', 'show', 'lost@example.com'], options);
  });

  it('exits with 2 where it is misused', async () => {
    expect(await misused(['account', 'create'], options)).to.include('email');
  });
});
