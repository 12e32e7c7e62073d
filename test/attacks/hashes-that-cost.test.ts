// Exports and guesses made to cost more than a hash says, and hashes that anybody could meet.
import { createHash } from 'node:crypto';
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import {
  formatOf,
  matchHash,
  readerOf,
  spellingsOf,
} from '../../src/domain/passwords/hash-formats.ts';
import { whyUnreadable } from '../../src/domain/passwords/unreadable.ts';
import { command } from '../cli/helpers.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

const SALT = 'c2FsdHNhbHRzYWx0c2FsdA';
const KEY = 'c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ';
const LETTERS = 'a'.repeat(86);
const json = (value: unknown) => JSON.stringify(value);

describe('a hash in a hostile export', () => {
  it('is refused where its cost is not in its memory: threads, and lanes of next to nothing', () => {
    const hidden: Readonly<Record<string, RegExp>> = {
      [`$argon2id$v=19$m=512,t=1600,p=64$${SALT}$${KEY}`]: /about 18 s, and 1 s is the most/,
      [`$argon2id$v=19$m=16,t=50000,p=2$${SALT}$${KEY}`]: /about 17 s/,
      [`$scrypt$ln=1,r=15,p=65536$${SALT}$${KEY}`]: /about 2 s/,
    };
    for (const [hash, figure] of Object.entries(hidden))
      expect(whyUnreadable(hash), hash).to.match(figure);
  });

  it('is figured for the longest guess, as each round of it digests all of that', () => {
    expect(whyUnreadable(`$P$G${LETTERS.slice(0, 30)}`)).to.match(/phpass 2\^18: about 2\.8 s/);
    expect(whyUnreadable(`$S$G${LETTERS.slice(0, 51)}`)).to.match(/Drupal 2\^18: about 1\.2 s/);
    expect(whyUnreadable(`$6$rounds=250000$ab$${LETTERS}`)).to.match(
      /SHA-crypt 250000: about 1\.1 s/,
    );
  });

  it('is refused where it says more than is known of its form', () => {
    const digest = { algorithm: 'sha256', hash: 'ab'.repeat(32) };
    const more = [
      `$argon2id$v=19$m=1024,t=1,p=1,t=2$${SALT}$${KEY}`,
      `$scrypt$ln=10,r=8,p=1,x=3$${SALT}$${KEY}`,
      `$pbkdf2-sha256$i=1000,pepper=1$${SALT}$${KEY}`,
      `$pbkdf2-sha256$i=1000,l=64$${SALT}$${KEY}`,
      json({ ...digest, pepper: 'x' }),
      json({ algorithm: 'md5', hash: 'sixteen letters!', encoding: 'text' }),
      json({
        credentialData: {
          algorithm: 'argon2',
          hashIterations: 1,
          additionalParameters: { type: ['x'], memory: ['1024'] },
        },
        secretData: { salt: SALT, value: KEY },
      }),
    ];
    for (const hash of more)
      expect(whyUnreadable(hash), hash).to.match(
        /^is damaged \(.*\), or has a parameter that is not known: /,
      );
    expect(whyUnreadable(json(digest))).to.equal(undefined);
  });

  it('is named by the form behind a prefix, and not as damaged where that is not known', () => {
    expect(whyUnreadable('{CRYPT}$y$j9T$abc$def')).to.match(
      /form that is not known \(\{CRYPT\}\$y\$\)/,
    );
    expect(whyUnreadable('{CRYPT}abJnggxhB/yWI')).to.match(/form that is not known \(\{CRYPT\}\)/);
    expect(whyUnreadable('{CRYPT}$6$ab$abc')).to.match(/damaged.*\(LDAP crypt, \{CRYPT\}\$6\$\)/);
    expect(whyUnreadable('{SHA1111}')).not.to.match(/JSON/);
    const spaced = `{ "algorithm": "md5", "hash": "${'ab'.repeat(16)}" }`;
    expect(whyUnreadable(spaced)).to.equal(undefined);
  });

  it('is refused where no library could compute it', () => {
    const hash = `$scrypt$ln=16,r=1,p=1$${SALT}$${KEY}`;
    expect(readerOf(hash)).to.equal(undefined);
    expect(whyUnreadable(hash)).to.match(/^is damaged/);
  });

  it('is never met by an empty password', async () => {
    const empty = createHash('md5').digest();
    const hashes = [
      `{MD5}${empty.toString('base64')}`,
      json({ algorithm: 'md5', hash: empty.toString('hex') }),
    ];
    for (const hash of hashes) {
      expect(formatOf(hash), hash).not.to.equal(undefined);
      expect(await matchHash(hash, ''), hash).to.equal(undefined);
    }
  });

  it('is met by no password that is another one repeated behind NUL', async () => {
    const hash = await bcrypt.hash('Vemo4', 4);
    expect(await matchHash(hash, 'Vemo4')).not.to.equal(undefined);
    expect(await matchHash(hash, 'Vemo4\0Vemo4')).to.equal(undefined);
  });
});

describe('a guess', () => {
  it('of thousands of marks on one letter is not sorted, which would take quadratic time', () => {
    const guess = `a${'\u0315\u0300'.repeat(4000)}`;
    expect(spellingsOf(guess)).to.deep.equal([Buffer.from(guess)]);
  });
});

describe('a hash that is nested without end', () => {
  let database: TestDatabase;
  before(async () => {
    database = await SQLITE.createMigrated();
  });
  after(() => database.remove());

  it('is refused by its line, and the others are taken', async () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    const lines = [
      `{"email":"deep@example.com","password_hash":{"algorithm":${deep}}}`,
      '{"email":"next@example.com"}',
    ];
    const args = ['account', 'import', '-', '--json'];
    const { stdout } = await command(args, { database, stdin: lines.join('\n') });
    const { imported, errors } = JSON.parse(stdout);
    expect(imported).to.equal(1);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.include({ line: 1, field: 'password_hash' });
    expect(errors[0].message).to.match(/^has a form that is not known \(JSON\)/);
  });
});
