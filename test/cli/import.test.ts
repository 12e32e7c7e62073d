// gatehouse account import: accounts from elsewhere, with the passwords they have.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, PASSWORD, signIn } from '../support/relying-party.ts';
import { onBothStores, SQLITE, type TestDatabase } from '../support/stores.ts';
import { command, done, json, misused, refused } from './helpers.ts';

interface Report {
  readonly dry_run: boolean;
  readonly imported: number;
  readonly refused: number;
  readonly errors: ReadonlyArray<{ line: number; field: string | null; message: string }>;
}

const lines = (...records: readonly unknown[]) =>
  records.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n');

onBothStores('gatehouse account import', (store) => {
  let gatehouse: Gatehouse;
  let options: { readonly database: TestDatabase };
  before(async () => {
    gatehouse = await startGatehouse({ store });
    options = { database: gatehouse.database };
  });
  after(() => gatehouse.stop());

  it('takes what is there, and people sign in with the passwords they had', async () => {
    const hash = await bcrypt.hash(PASSWORD, 4);
    const weak = await bcrypt.hash('password1', 4);
    const created = '2019-05-04T03:02:01.000Z';
    const file = join(options.database.dataDir, 'people.ndjson');
    const text = lines(
      { email: 'One@Example.com', name: 'Zoë', password_hash: hash, email_verified: true },
      { email: 'two@example.com', created_at: created, status: 'suspended' },
      '',
      { email: 'three@example.com', password_hash: weak, existing: false },
    );
    writeFileSync(file, `\ufeff${text}\r\n`);
    const report = await json<Report>(['account', 'import', file], options);
    expect(report).to.deep.equal({ dry_run: false, imported: 3, refused: 0, errors: [] });
    const { accounts } = gatehouse.house;
    const one = await accounts.get('one@example.com');
    expect(one).to.deep.include({
      email: 'One@Example.com',
      name: 'Zoë',
      emailVerified: true,
      existing: true,
      knownPolicyVersion: undefined,
      passwordHash: hash,
      generation: 1,
    });
    const shown = await json(['account', 'show', 'two@example.com'], options);
    expect(shown).to.include({ status: 'suspended', created_at: created });
    expect(await accounts.get('three@example.com')).to.include({
      existing: false,
      passwordHash: weak,
    });
    const party = await createRelyingParty(gatehouse);
    const { tokens } = await signIn(gatehouse, party, { ...one, password: PASSWORD });
    expect((await party.userinfo(tokens.access_token)).body.email_verified).to.equal(true);
    const after = await json(['account', 'show', 'one@example.com'], options);
    expect(after).to.include({ known_policy_version: 1 });
  });

  it('reads standard input, and says what it would do in a dry run', async () => {
    const stdin = lines(
      { email: 'dry@example.com' },
      { email: 'DRY@example.com' },
      { email: 'one@example.com' },
    );
    const args = ['account', 'import', '-', '--dry-run', '--json'];
    const result = await command(args, { ...options, stdin });
    expect(result.code).to.equal(1);
    const message = 'belongs to an account already';
    expect(JSON.parse(result.stdout)).to.deep.equal({
      dry_run: true,
      imported: 1,
      refused: 2,
      errors: [2, 3].map((line) => ({ line, field: 'email', message })),
    });
    expect(await refused(['account', 'show', 'dry@example.com'], options)).to.include('No account');
    const real = await command(['account', 'import', '-', '--json'], { ...options, stdin });
    expect(JSON.parse(real.stdout)).to.deep.include({ imported: 1, refused: 2 });
    await done(['account', 'show', 'dry@example.com'], options);
  });

  it('takes many, and each address once', async () => {
    const stdin = lines(
      ...Array.from({ length: 450 }, (_, index) => ({ email: `p${index % 430}@many.example.com` })),
    );
    const result = await command(['account', 'import', '-', '--json'], { ...options, stdin });
    const report = JSON.parse(result.stdout) as Report;
    expect(report).to.include({ imported: 430, refused: 20 });
    expect(report.errors.map(({ line }) => line)).to.deep.equal(
      Array.from({ length: 20 }, (_, index) => 431 + index),
    );
  });
});

describe('what gatehouse account import refuses', () => {
  let database: TestDatabase;
  before(async () => {
    database = await SQLITE.create();
  });
  after(() => database.remove());

  const TABLE: ReadonlyArray<readonly [record: unknown, field: string | null, says: RegExp]> = [
    ['not json', null, /is not valid JSON/],
    ['{"email":"a@example.com"', null, /is not valid JSON/],
    ['[]', null, /one JSON object/],
    ['null', null, /one JSON object/],
    ['7', null, /one JSON object/],
    [{}, 'email', /is missing/],
    [{ email: 7 }, 'email', /must be text/],
    [{ email: 'nobody' }, 'email', /no e-mail address/],
    [{ email: 'a b@example.com' }, 'email', /no e-mail address/],
    [{ email: 'a@example.com', name: 7 }, 'name', /must be text/],
    [{ email: 'a@example.com', name: ' ' }, 'name', /is empty/],
    [{ email: 'a@example.com', name: 'x'.repeat(201) }, 'name', /too long/],
    [{ email: 'a@example.com', name: 'a\0b' }, 'name', /broken character/],
    [{ email: 'a@example.com', password_hash: 'secret' }, 'password_hash', /not known/],
    [{ email: 'a@example.com', password_hash: '$2b$31$x' }, 'password_hash', /not known/],
    [{ email: 'a@example.com', password_hash: null }, 'password_hash', /must be text/],
    [{ email: 'a@example.com', email_verified: 'yes' }, 'email_verified', /true or false/],
    [{ email: 'a@example.com', status: 'gone' }, 'status', /active, locked or suspended/],
    [{ email: 'a@example.com', created_at: 'yesterday' }, 'created_at', /must be a time/],
    [{ email: 'a@example.com', created_at: '2999-01-01T00:00:00Z' }, 'created_at', /lies ahead/],
    [{ email: 'a@example.com', existing: 'no' }, 'existing', /true or false/],
    [{ email: 'a@example.com', totp_secret: 'JBSWY3DP' }, 'totp_secret', /80 bits at least/],
    [{ email: 'a@example.com', totp_secret: 'A'.repeat(15) }, 'totp_secret', /80 bits at least/],
    [{ email: 'a@example.com', totp_secret: `${'A'.repeat(17)}0` }, 'totp_secret', /base32/],
    [{ email: 'a@example.com', totp_secret: 'A'.repeat(200) }, 'totp_secret', /base32/],
    [{ email: 'a@example.com', password: 'secret' }, 'password', /is not known/],
    [{ email: 'a@example.com', role: 'admin' }, 'role', /is not known/],
  ];

  it('is each named by line and field, and nothing of it is made', async () => {
    const stdin = lines(...TABLE.map(([record]) => record));
    const args = ['account', 'import', '-', '--json'];
    const { code, stdout, stderr } = await command(args, { database, stdin });
    expect(code).to.equal(1);
    expect(stderr).to.equal(`gatehouse: ${TABLE.length} lines were refused.\n`);
    const { imported, errors } = JSON.parse(stdout) as Report;
    expect(imported).to.equal(0);
    for (const [index, [record, field, says]] of TABLE.entries()) {
      const found = errors.find(({ line }) => line === index + 1);
      expect(found, JSON.stringify(record)).to.include({ field });
      expect(found?.message).to.match(says);
    }
    expect(stdout).not.to.include('JBSWY3DP');
    expect(await json(['account', 'list'], { database })).to.deep.equal([]);
  });

  it('is told to people too', async () => {
    const stdin = lines({ email: 'a@example.com', x: 1 }, 'oops');
    const { code, stdout } = await command(['account', 'import', '-'], { database, stdin });
    expect(code).to.equal(1);
    expect(stdout).to.equal(
      'line 1: x is not known\nline 2: it is not valid JSON\n0 imported, 2 refused\n',
    );
  });

  it('is a file that is not there, and an argument that is missing', async () => {
    const why = await refused(['account', 'import', '/nowhere/people.ndjson'], { database });
    expect(why).to.include('cannot be read (ENOENT)');
    expect(await misused(['account', 'import'], { database })).to.include('file');
  });
});

describe('gatehouse account create', () => {
  it('judges the password, and lists what it lacks', async () => {
    const database = await SQLITE.create();
    const args = ['account', 'create', 'ada@example.com', '--name', 'Lovelace', '--password-stdin'];
    const weak = await command(args, { database, stdin: 'Lovelace1234' });
    expect(weak).to.include({ code: 1, stdout: '' });
    expect(weak.stderr.split('\n')).to.deep.equal([
      'gatehouse: The password does not meet the policy. Not met:',
      '  - A special character, such as - or !',
      '  - More than a common password or a single word',
      '  - Neither your email address nor your name',
      '  - No run such as 1234, abcd or qwer',
      '',
    ]);
    expect(weak.stderr).not.to.include('Lovelace1234');
    const made = await done([...args, '--json'], { database, stdin: PASSWORD });
    expect(JSON.parse(made)).to.include({ known_policy_version: 1 });
    database.remove();
  });
});
