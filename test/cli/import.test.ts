// gatehouse account import: accounts from elsewhere, with the passwords they have.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import { matchHash } from '../../src/domain/passwords/hash-formats.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, PASSWORD, signIn } from '../support/relying-party.ts';
import { onBothStores, SQLITE, type TestDatabase } from '../support/stores.ts';
import { command, done, json, misused, refused } from './helpers.ts';

interface Report {
  readonly dry_run: boolean;
  readonly imported: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly remarks: ReadonlyArray<{ kind: string; fields: string[]; lines: number }>;
  readonly errors: ReadonlyArray<{ line: number; field: string | null; message: string }>;
}

const lines = (...records: readonly unknown[]) =>
  records.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n');

/** `12345678901234567890` of RFC 6238, and the same in hexadecimal digits. */
const HEX_AS_BASE32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const HEX = '3132333435363738393031323334353637383930';

/** More rounds than a sign-in may cost. */
const COSTLY = `$2b$31$${'a'.repeat(53)}`;

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
    expect(report).to.deep.equal({
      dry_run: false,
      imported: 3,
      unchanged: 0,
      refused: 0,
      remarks: [],
      errors: [],
    });
    const { accounts } = gatehouse.core;
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
    const messages = [
      'is the one of line 1: remove one of them',
      'belongs to an account already: change that one, or remove the line',
    ];
    expect(JSON.parse(result.stdout)).to.deep.equal({
      dry_run: true,
      imported: 1,
      unchanged: 0,
      refused: 2,
      remarks: [],
      errors: messages.map((message, at) => ({ line: at + 2, field: 'email', message })),
    });
    expect(await refused(['account', 'show', 'dry@example.com'], options)).to.include('No account');
    const real = await command(['account', 'import', '-', '--json'], { ...options, stdin });
    expect(JSON.parse(real.stdout)).to.deep.equal({
      ...JSON.parse(result.stdout),
      dry_run: false,
    });
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

  it('goes on where it was stopped, and says so in a dry run, too', async () => {
    const people = Array.from({ length: 5 }, (_, index) => ({
      email: `again${index}@example.com`,
      created_at: '2020-01-01T00:00:00+01:00',
      totp_secret: index === 0 ? 'JBSWY3DPEHPK3PXP' : '',
    }));
    const run = async (stdin: string, ...more: string[]) => {
      const args = ['account', 'import', '-', '--json', ...more];
      return JSON.parse((await command(args, { ...options, stdin })).stdout) as Report;
    };
    expect(await run(lines(...people.slice(0, 3)))).to.include({ imported: 3 });
    const whole = lines(...people);
    const planned = await run(whole, '--dry-run');
    expect(planned).to.include({ imported: 2, unchanged: 3, refused: 0 });
    expect(await run(whole)).to.deep.equal({ ...planned, dry_run: false });
    const said = await done(['account', 'import', '-'], { ...options, stdin: whole });
    expect(said).to.equal('0 imported, 5 there already, 0 refused\n');
    const other = await run(
      lines({ ...people[0], totp_secret: null }, { ...people[1], name: 'X' }),
    );
    expect(other).to.include({ imported: 0, unchanged: 0, refused: 2 });
  });
});

describe('what gatehouse account import refuses', () => {
  let database: TestDatabase;
  before(async () => {
    database = await SQLITE.create();
  });
  after(() => database.remove());

  const TABLE: ReadonlyArray<readonly [record: unknown, field: string | null, says: RegExp]> = [
    ['not json', null, /^is not valid JSON: each account takes one line$/],
    ['{"email":"a@example.com"', null, /^is not valid JSON \(column 25\)/],
    ['{"email":"a@example.com"} {"email":"b@example.com"}', null, /^is not valid JSON/],
    ['[]', null, /one JSON object/],
    ['null', null, /one JSON object/],
    ['7', null, /one JSON object/],
    ['{"email":"a@example.com","email":"b@example.com"}', null, /field "email" twice/],
    ['{"email":"a@example.com","name":"a\u000bb"}', null, /control character .*\\u00XX/],
    ['{"email":"a@example.com","name":"a\fb"}', null, /control character/],
    [`{"name":"${'x'.repeat(70_000)}"}`, null, /longer than 64 KiB/],
    [{}, 'email', /is missing/],
    [{ email: null }, 'email', /is missing/],
    [{ email: ' ' }, 'email', /is missing/],
    [{ email: 7 }, 'email', /must be text/],
    [{ email: 'nobody' }, 'email', /not an email address/],
    [{ email: 'a b@example.com' }, 'email', /not an email address/],
    [{ email: 'a@example.com', name: 7 }, 'name', /must be text/],
    [{ email: 'a@example.com', name: 'x'.repeat(201) }, 'name', /longer than 200/],
    [{ email: 'a@example.com', name: 'a\0b' }, 'name', /NUL/],
    [{ email: 'a@example.com', password_hash: 'secret$1' }, 'password_hash', /nothing says which/],
    [
      { email: 'a@example.com', password_hash: '$6$x$y' },
      'password_hash',
      /damaged \(SHA-crypt, \$6\$\)/,
    ],
    [
      { email: 'a@example.com', password_hash: '{SSHA}x' },
      'password_hash',
      /\(LDAP digest, \{SSHA\}\)/,
    ],
    [{ email: 'a@example.com', password_hash: '$y$j9T$x$y' }, 'password_hash', /known \(\$y\$\)/],
    [{ email: 'a@example.com', password_hash: '$1$a\0b$x' }, 'password_hash', /NUL/],
    [{ email: 'a@example.com', password_hash: 7 }, 'password_hash', /must be text/],
    [
      { email: 'a@example.com', password_hash: { algorithm: 'whirlpool', hash: 'ab'.repeat(64) } },
      'password_hash',
      /known \(JSON, algorithm whirlpool\)/,
    ],
    [
      { email: 'a@example.com', password_hash: { algorithm: 'md5', hash: 'ab' } },
      'password_hash',
      /damaged \(described digest, JSON, algorithm md5\)/,
    ],
    [{ email: 'a@example.com', password_hash: 'ab'.repeat(16) }, 'password_hash', /32 hexadecimal/],
    [
      { email: 'a@example.com', password_hash: '$2b$31$x' },
      'password_hash',
      /damaged \(bcrypt, \$2b\$\)/,
    ],
    [
      { email: 'a@example.com', password_hash: COSTLY },
      'password_hash',
      /cost .*\(\$2b\$, bcrypt 31: about 128850 s, and 1 s is the most\)/,
    ],
    [{ email: 'a@example.com', email_verified: 'yes' }, 'email_verified', /true or false/],
    [{ email: 'a@example.com', status: 'gone' }, 'status', /active, locked or suspended/],
    [{ email: 'a@example.com', created_at: 'yesterday' }, 'created_at', /must be a time/],
    [{ email: 'a@example.com', created_at: '2999-01-01T00:00:00Z' }, 'created_at', /in the future/],
    [{ email: 'a@example.com', existing: 'no' }, 'existing', /true or false/],
    [{ email: 'a@example.com', totp_secret: 'JBSWY3DP' }, 'totp_secret', /too short/],
    [{ email: 'a@example.com', totp_secret: 'A'.repeat(15) }, 'totp_secret', /too short/],
    [{ email: 'a@example.com', totp_secret: `${'A'.repeat(17)}0` }, 'totp_secret', /not base32/],
    [{ email: 'a@example.com', otpauth: 'JBSWY3DPEHPK3PXP' }, 'otpauth', /otpauth:\/\/totp/],
    [{ email: 'a@example.com', otpauth: 'otpauth://totp/a' }, 'otpauth', /no secret/],
    [{ email: 'a@example.com', otpauth: 'otpauth://totp/a?secret=JBSW' }, 'otpauth', /too short/],
    [
      {
        email: 'a@example.com',
        otpauth: `otpauth://totp/a?secret=${HEX_AS_BASE32}`,
        totp_secret: 'JBSWY3DPEHPK3PXP',
      },
      'otpauth',
      /another secret/,
    ],
    [{ email: 'a@example.com', totp_secret: 'A'.repeat(200) }, 'totp_secret', /longer than/],
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
      const found = errors.filter(({ line }) => line === index + 1);
      expect(found, JSON.stringify(record)).to.have.length(1);
      expect(found[0]).to.include({ field });
      expect(found[0]?.message).to.match(says);
    }
    expect(stdout).not.to.match(/JBSWY3DP|secret\$1|aaaaaa/);
    expect(await json(['account', 'list'], { database })).to.deep.equal([]);
  });

  it('is told to people too', async () => {
    const stdin = lines({ email: 'a', x: 1 }, 'oops');
    const { code, stdout } = await command(['account', 'import', '-'], { database, stdin });
    expect(code).to.equal(1);
    expect(stdout).to.equal(
      [
        'line 1: email is not an email address: correct it',
        'line 2: it is not valid JSON: each account takes one line',
        '0 imported, 2 refused\n',
      ].join('\n'),
    );
  });

  it('is a file that is not there, and an argument that is missing', async () => {
    const why = await refused(['account', 'import', '/nowhere/people.ndjson'], { database });
    expect(why).to.include('cannot be read (ENOENT)');
    expect(await misused(['account', 'import'], { database })).to.include('file');
  });
});

describe('what gatehouse account import takes with a remark', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await SQLITE.createMigrated();
  });
  afterEach(() => database.remove());

  const fileOf = (content: string | Buffer) => {
    const file = join(database.dataDir, 'people.json');
    writeFileSync(file, content);
    return file;
  };
  const run = async (content: string | Buffer, ...more: string[]) =>
    command(['account', 'import', fileOf(content), ...more], { database });
  const names = async () => {
    const all = await json<ReadonlyArray<{ name: string | null }>>(['account', 'list'], {
      database,
    });
    return all.map(({ name }) => name).sort();
  };

  it('no line ends but at LF and CR LF', async () => {
    const [a, b] = ['One\u2028Two', 'One\u0085Two\u2029Three'];
    const records = [
      { email: 'a@example.com', name: a },
      { email: 'b@example.com', name: b },
      { email: 'wrong' },
    ];
    const text = records.map((each) => JSON.stringify(each)).join('\r\n');
    const { code, stdout } = await run(text);
    expect({ code, stdout }).to.deep.equal({
      code: 1,
      stdout: 'line 3: email is not an email address: correct it\n2 imported, 1 refused\n',
    });
    expect(await names()).to.deep.equal([a, b].sort());
  });

  it('blanks around values, and fields that are not known: once each for the file', async () => {
    const hash = await bcrypt.hash(PASSWORD, 4);
    const text = lines(
      { email: ' a@example.com', password_hash: `${hash} \n`, role: 'admin', legacy_no: 1 },
      { email: 'b@example.com', name: null, status: '', created_at: '', totp_secret: ' ' },
      { email: 'c@example.com', legacy_no: 2, group: null, name: 'Zo\ufffd' },
    );
    const planned = await run(text, '--dry-run');
    const real = await run(text);
    expect(real).to.deep.equal({ ...planned, stdout: real.stdout });
    expect(real.stdout.split('\n')).to.deep.equal([
      'remark: unknown fields were ignored: role, legacy_no (2 lines, first line 1)',
      'remark: spaces around values were removed: email, password_hash, totp_secret (2 lines, first line 1)',
      'remark: some characters were already lost in the file (U+FFFD): name (line 3)',
      '3 imported, 0 refused',
      '',
    ]);
    expect(planned.stdout).to.equal(real.stdout.replace('imported,', 'would be imported,'));
    const shown = await json(['account', 'show', 'a@example.com'], { database });
    expect(shown).to.include({ email: 'a@example.com', role: 'user' });
    expect((await run(text)).stdout).to.include('0 imported, 3 there already, 0 refused');
  });

  it('secrets of apps as every system writes them, but for those that nobody here could check', async () => {
    const uri = (more: string) =>
      `otpauth://totp/Old:a%40example.com?secret=${HEX_AS_BASE32}${more}`;
    const taken = [
      { totp_secret: HEX_AS_BASE32.toLowerCase().replace(/(.{4})\B/g, '$1 ') },
      { totp_secret: `${HEX_AS_BASE32}====` },
      { totp_secret: HEX },
      { totp_secret: HEX.replace(/(..)\B/g, '$1 ') },
      { totp_secret: uri('') },
      { otpauth: uri('&issuer=Old&algorithm=SHA1&digits=6&period=30') },
      { otpauth: uri(''), totp_secret: HEX },
    ];
    const again = [
      { otpauth: uri('&algorithm=SHA256') },
      { otpauth: uri('&digits=8') },
      { totp_secret: uri('&period=60') },
      { otpauth: uri('&counter=1').replace('totp', 'hotp') },
    ];
    const people = [...taken, ...again].map((each, at) => ({
      email: `p${at}@example.com`,
      ...each,
    }));
    const text = lines(...people);
    const planned = await run(text, '--dry-run');
    const { code, stdout } = await run(text);
    expect({ code, stdout: stdout.replace('imported,', 'would be imported,') }).to.deep.equal({
      code: 0,
      stdout: planned.stdout,
    });
    expect(stdout).to.equal(
      [
        "remark: will need to enroll again, because their codes aren't SHA-1, 6 digits, 30 seconds: otpauth, totp_secret (4 lines, first line 8)",
        '11 imported, 0 refused\n',
      ].join('\n'),
    );
    const shown = people.map(async ({ email }) => {
      const { mfa } = await json<{ mfa: { enrolled: boolean } }>(['account', 'show', email], {
        database,
      });
      return mfa.enrolled;
    });
    expect(await Promise.all(shown)).to.deep.equal(people.map((_, at) => at < taken.length));
  });

  it('a JSON array, on one line or on many', async () => {
    const people = [
      { email: 'a@example.com', name: 'A, ["]}' },
      { email: 'b' },
      7,
      { email: 'c@example.com', name: '\\' },
    ];
    const first = await run(`\ufeff\n${JSON.stringify(people, null, 2)}\n`, '--json');
    const report = JSON.parse(first.stdout) as Report;
    expect(report).to.include({ imported: 2, refused: 2 });
    expect(report.errors.map(({ line, field }) => [line, field])).to.deep.equal([
      [7, 'email'],
      [10, null],
    ]);
    expect((await run(JSON.stringify(people))).stdout).to.include('2 there already, 2 refused');
    expect(await names()).to.deep.equal(['A, ["]}', '\\']);
    expect((await run(' [ ] ')).stdout).to.equal('0 imported, 0 refused\n');
  });

  it('an array that is broken is named where it breaks, and the rest is taken', async () => {
    const broken = {
      '[{"email":"a@example.com"},\n{"email":"b@example.com"': /^line 2: it belongs to an array/,
      '[{"email":"a@example.com"}]\n{"email":"b@example.com"}': /^line 2: it follows the end/,
      '[{"email":"a@example.com"}\n{"email":"b@example.com"}]': /^line 1: it is not valid JSON/,
      '[{"email":"a@example.com"},\n]': /^1 imported/,
    };
    for (const [text, says] of Object.entries(broken)) {
      expect(
        (await run(text)).stdout.replace('0 imported, 1 there', '1 imported, 1 there'),
      ).to.match(says);
    }
  });

  it('no file in another encoding, whose name it says before anything is written', async () => {
    const good = '{"email":"a@example.com","name":"Zoe"}\n';
    const bad = '{"email":"b@example.com","name":"Zoë"}\n';
    const many = `${good}${' '.repeat(70_000)}\n`;
    const files: ReadonlyArray<readonly [content: Buffer, says: string]> = [
      [
        Buffer.concat([Buffer.from(many), Buffer.from(bad, 'latin1')]),
        'is Latin-1 or similar (line 3)',
      ],
      [
        Buffer.from(`${good}{"name":"\x93Zo\xeb\x94"}`, 'latin1'),
        'is Windows-1252 or similar (line 2)',
      ],
      [Buffer.from(bad, 'utf16le'), 'is UTF-16LE'],
      [Buffer.from(`\ufeff${bad}`, 'utf16le'), 'is UTF-16LE'],
      [Buffer.from(bad, 'utf16le').swap16(), 'is UTF-16BE'],
      [Buffer.from(`\ufeff${bad}`, 'utf16le').swap16(), 'is UTF-16BE'],
      [gzipSync(good), 'is compressed by gzip'],
      [Buffer.concat([Buffer.from(`${bad}é`), Buffer.from([0xc3])]), 'has broken UTF-8 on line 2'],
    ];
    for (const [content, says] of files) {
      const fromFile = await run(content);
      const stdin = { database, stdin: content };
      for (const result of [fromFile, await command(['account', 'import', '-'], stdin)]) {
        expect(result).to.include({ code: 1, stdout: '' });
        expect(result.stderr).to.include(`gatehouse: Nothing was imported: the file ${says}`);
      }
    }
    expect(await names()).to.deep.equal([]);
  });
});

describe('gatehouse account create', () => {
  it('judges the password, and lists what it lacks', async () => {
    const database = await SQLITE.create();
    const args = ['account', 'create', 'ada@example.com', '--name', 'Lovelace', '--password-stdin'];
    const weak = await command(args, { database, stdin: 'Lovelace1234' });
    expect(weak).to.include({ code: 1, stdout: '' });
    expect(weak.stderr.split('\n')).to.deep.equal([
      "gatehouse: The password doesn't meet the policy. Requirements not met:",
      '  - A special character, such as - or !',
      '  - Not a common password or a single word',
      "  - Doesn't contain your name or email address",
      '  - No sequence such as 1234, abcd or qwer',
      '',
    ]);
    expect(weak.stderr).not.to.include('Lovelace1234');
    const made = await done([...args, '--json'], { database, stdin: PASSWORD });
    expect(JSON.parse(made)).to.include({ known_policy_version: 1 });
    database.remove();
  });

  it('takes the password of standard input to the letter, without the end of its line', async () => {
    const database = await SQLITE.create();
    const create = (email: string, stdin: string | Buffer) =>
      command(['account', 'create', email, '--password-stdin'], { database, stdin });
    const umlaut = `${PASSWORD}-Ärger`;
    const refusals: ReadonlyArray<readonly [stdin: string | Buffer, says: RegExp]> = [
      [
        Buffer.from(umlaut, 'latin1'),
        /^gatehouse: Standard input is Latin-1 or similar \(line 1\)/,
      ],
      [Buffer.from(umlaut, 'utf16le'), /^gatehouse: Standard input is UTF-16LE/],
      [`${PASSWORD}\n${PASSWORD}\n`, /more than one line/],
      ['\r\n', /held no password/],
    ];
    for (const [stdin, says] of refusals) {
      const { code, stderr } = await create('ada@example.com', stdin);
      expect(code).to.equal(1);
      expect(stderr).to.match(says);
    }
    const gatehouse = await startGatehouse({ database });
    for (const [at, stdin] of [`${umlaut}\r\n`, `\ufeff${umlaut}\n`, umlaut].entries()) {
      const email = `stdin${at}@example.com`;
      expect((await create(email, stdin)).code).to.equal(0);
      const { passwordHash = '' } = await gatehouse.core.accounts.get(email);
      expect(await matchHash(passwordHash, umlaut), email).not.to.equal(undefined);
    }
    await gatehouse.stop();
  });
});
