// Hashes as other systems write them, each made by code that is not ours.
import { createHash, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto';
import argon2 from 'argon2';
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import fc from 'fast-check';
import { loadConfig } from '../../../src/config/load.ts';
import {
  HASH_FORMATS,
  isReadableHash,
  matchHash,
  spellingsOf,
} from '../../../src/domain/passwords/hash-formats.ts';
import { createHashing } from '../../../src/domain/passwords/hashing.ts';
import { whyUnreadable } from '../../../src/domain/passwords/unreadable.ts';
import { MADE_ELSEWHERE } from '../../support/password-hashes.ts';

const PASSWORD = 'Ångström & Müller 7';
const salt = randomBytes(16);
const b64 = (bytes: Buffer) => bytes.toString('base64');
const phc = (bytes: Buffer) => b64(bytes).replaceAll('=', '');
const ab64 = (bytes: Buffer) => phc(bytes).replaceAll('+', '.');
const kdf = (digest: string, iterations: number, size: number, by: string | Buffer = salt) =>
  pbkdf2Sync(PASSWORD, by, iterations, size, digest);
const script = (by: string | Buffer = salt) =>
  scryptSync(PASSWORD, by, 64, { N: 1024, r: 8, p: 1 });
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

const argonOf = (type: 0 | 1 | 2, costs: object = {}) =>
  argon2.hash(PASSWORD, { type, memoryCost: 4096, timeCost: 3, parallelism: 1, ...costs });

/** Form → a hash of PASSWORD. */
const MADE: Readonly<Record<string, () => string | Promise<string>>> = {
  'argon2id as ours': () => argonOf(argon2.argon2id, { memoryCost: 19_456, timeCost: 2 }),
  'argon2id, weaker': () => argonOf(argon2.argon2id),
  'argon2id, four lanes': () => argonOf(argon2.argon2id, { parallelism: 4 }),
  argon2i: () => argonOf(argon2.argon2i),
  argon2d: () => argonOf(argon2.argon2d),
  'bcrypt 2b': () => bcrypt.hash(PASSWORD, 4),
  'bcrypt 2a': async () => (await bcrypt.hash(PASSWORD, 4)).replace('$2b$', '$2a$'),
  'bcrypt 2y': async () => (await bcrypt.hash(PASSWORD, 4)).replace('$2b$', '$2y$'),
  'scrypt, PHC': () => `$scrypt$ln=10,r=8,p=1$${phc(salt)}$${phc(script())}`,
  'scrypt, passlib': () => `$scrypt$ln=10,r=8,p=1$${ab64(salt)}$${ab64(script())}`,
  'pbkdf2-sha256, PHC': () => `$pbkdf2-sha256$i=1000$${phc(salt)}$${phc(kdf('sha256', 1000, 32))}`,
  'pbkdf2-sha256, PHC with a length': () =>
    `$pbkdf2-sha256$i=1000,l=32$${phc(salt)}$${phc(kdf('sha256', 1000, 32))}`,
  'pbkdf2-sha512, passlib': () =>
    `$pbkdf2-sha512$1000$${ab64(salt)}$${ab64(kdf('sha512', 1000, 64))}`,
  'pbkdf2, passlib': () => `$pbkdf2$1000$${ab64(salt)}$${ab64(kdf('sha1', 1000, 20))}`,
  'Django pbkdf2_sha256': () =>
    `pbkdf2_sha256$1000$seasalt$${b64(kdf('sha256', 1000, 32, 'seasalt'))}`,
  'Django pbkdf2_sha1': () => `pbkdf2_sha1$1000$seasalt$${b64(kdf('sha1', 1000, 20, 'seasalt'))}`,
  'Django argon2': async () => `argon2${await argonOf(argon2.argon2id, { parallelism: 8 })}`,
  'Django bcrypt_sha256': async () => `bcrypt_sha256$${await bcrypt.hash(sha(PASSWORD), 4)}`,
  'Django bcrypt': async () => `bcrypt$${await bcrypt.hash(PASSWORD, 4)}`,
  'Django scrypt': () => `scrypt$1024$seasalt$8$1$${b64(script('seasalt'))}`,
};

/** From the documents of the formats themselves. */
const PUBLISHED: ReadonlyArray<readonly [from: string, hash: string, password: string]> = [
  [
    'the test vectors of Openwall (bcrypt)',
    '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    'U*U',
  ],
  [
    'the documents of passlib (pbkdf2_sha256)',
    '$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk',
    'toomanysecrets',
  ],
  [
    'the documents of passlib (scrypt)',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
    'password',
  ],
];

describe('stored passwords of other systems', () => {
  for (const [form, make] of Object.entries(MADE)) {
    it(`${form} verifies`, async () => {
      const hash = await make();
      expect(isReadableHash(hash), hash).to.equal(true);
      expect(await matchHash(hash, PASSWORD)).to.include({ asHashedHere: true, whole: true });
      for (const wrong of ['', `${PASSWORD} `, PASSWORD.toLowerCase(), 'password']) {
        expect(await matchHash(hash, wrong), wrong).to.equal(undefined);
      }
    });
  }

  for (const [from, hash, password] of PUBLISHED) {
    it(`as in ${from}`, async () => {
      expect(await matchHash(hash, password)).not.to.equal(undefined);
      expect(await matchHash(hash, `${password}x`)).to.equal(undefined);
    });
  }

  for (const { form, by, hash, password } of MADE_ELSEWHERE) {
    it(`${form}, by ${by}`, async () => {
      expect(whyUnreadable(hash)).to.equal(undefined);
      expect(await matchHash(hash, password)).not.to.equal(undefined);
      expect(await matchHash(hash, `${password}x`)).to.equal(undefined);
    });
  }

  it('are tried in the forms NFKC, NFC, NFD and Latin-1, however the keys were pressed', async () => {
    const spellings = [PASSWORD.normalize('NFD'), Buffer.from(PASSWORD, 'latin1')];
    for (const spelling of spellings) {
      const hash = await bcrypt.hash(spelling, 4);
      for (const typed of [PASSWORD, PASSWORD.normalize('NFD')])
        expect(await matchHash(hash, typed), typed).to.include({ asHashedHere: false });
    }
    const composed = await bcrypt.hash(PASSWORD, 4);
    const typed = PASSWORD.normalize('NFD');
    expect(await matchHash(composed, typed)).to.include({ asHashedHere: true });
  });

  it('come in one spelling for ASCII, and without Latin-1 where that has no such letter', () => {
    const texts = (password: string) => spellingsOf(password).map((each) => each.toString('hex'));
    const hex = (text: string, encoding?: 'latin1') => Buffer.from(text, encoding).toString('hex');
    expect(texts('plain')).to.deep.equal([hex('plain')]);
    expect(texts('ä')).to.deep.equal([hex('ä'), hex('a\u0308'), hex('ä', 'latin1')]);
    expect(texts('a\u0308')).to.deep.equal(texts('ä'));
    expect(texts('ä€')).to.deep.equal([hex('ä€'), hex('a\u0308€')]);
    expect(texts('ﬁ')).to.deep.equal([hex('fi'), hex('ﬁ')]);
  });

  it('never cut a password: what bcrypt does not read is not taken as read', async () => {
    const long = 'x'.repeat(72);
    const hash = await bcrypt.hash(long, 4);
    expect(await matchHash(hash, long)).to.include({ whole: true });
    expect(await matchHash(hash, `${long}y`)).to.include({ whole: false });
    const digested = `bcrypt_sha256$${await bcrypt.hash(sha(`${long}y`), 4)}`;
    expect(await matchHash(digested, `${long}y`)).to.include({ whole: true });
    expect(await matchHash(digested, `${long}z`)).to.equal(undefined);
  });
});

describe('a stored password that cannot be read', () => {
  const key = phc(randomBytes(32));
  const MALFORMED = [
    '',
    '!',
    'plain text',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    '$1$saltsalt$qjXMvbEw8oaL.CzflDtaK',
    '$6$saltsalt$abcdefghijklmnopqrstuvwxyz',
    '$2z$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2b$10$tooshort',
    '$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$argon2id$v=19$m=19456,t=2,p=1$$',
    `$argon2id$v=19$m=99999999,t=2,p=1$${phc(salt)}$${key}`,
    `$argon2id$v=19$m=19456,t=999,p=1$${phc(salt)}$${key}`,
    `$argon2id$v=19$m=19456,t=2$${phc(salt)}$${key}`,
    `$argon2id$v=19$m=NaN,t=2,p=1$${phc(salt)}$${key}`,
    `$argon2x$v=19$m=19456,t=2,p=1$${phc(salt)}$${key}`,
    `$scrypt$ln=40,r=8,p=1$${phc(salt)}$${key}`,
    `$scrypt$ln=10,r=0,p=1$${phc(salt)}$${key}`,
    `$scrypt$ln=10,r=8,p=99999$${phc(salt)}$${key}`,
    '$scrypt$ln=10,r=8,p=1$$',
    `scrypt$1000$salt$8$1$${key}`,
    `scrypt$1024$salt$8$1$${phc(randomBytes(4))}`,
    `$pbkdf2-md5$i=1000$${phc(salt)}$${key}`,
    `$pbkdf2-sha256$i=99999999999$${phc(salt)}$${key}`,
    `$pbkdf2-sha256$i=0$${phc(salt)}$${key}`,
    `$pbkdf2-sha256$i=1000$${phc(salt)}$${phc(randomBytes(8))}`,
    `pbkdf2_sha256$-5$salt$${key}`,
    'pbkdf2_sha256$1000$salt$not base64',
    'bcrypt$plain',
    'argon2$argon2id$',
    '{"algorithm":"md5","hash":"0123456789abcdef","encoding":"constructor"}',
    `{"algorithm":"md5","hash":"${'ab'.repeat(16)}","salt":7}`,
    `{"algorithm":"md5","hash":"${'ab'.repeat(16)}","iterations":1.5}`,
    `{"algorithm":"md5","hash":"${'ab'.repeat(16)}","order":"salt"}`,
    '{"algorithm":"constructor","hash":"","hashIterations":1}',
    '{"credentialData":[],"secretData":null}',
    '{"__proto__":{"algorithm":"md5"}}',
    '{"algorithm"',
    '$5$rounds=10$salt$vFeqYexLBhbTY8OWRHMsMdoC5tRaHNuVwYfrjQzTXf4',
    '{SHA}AAAA',
    '{SSHA}+NUr+PwXBpaPUVomNvPPz0tSQSE=',
    `\0$2b$10$${'a'.repeat(53)}`,
    `${'$'.repeat(5000)}`,
  ];
  for (const hash of MALFORMED) {
    it(`refuses ${JSON.stringify(hash.slice(0, 60))}`, async () => {
      expect(isReadableHash(hash)).to.equal(false);
      expect(await matchHash(hash, 'password')).to.equal(undefined);
    });
  }

  it('never throws, whatever stands there', async () => {
    const piece = fc.constantFrom(
      '$',
      'argon2id',
      '2b',
      'scrypt',
      'pbkdf2-sha256',
      'pbkdf2_sha256',
      'm=8,t=1,p=1',
      'ln=1,r=1,p=1',
      'i=1',
      '10',
      '6',
      'P',
      'S',
      'wp',
      '{SSHA}',
      '{CRYPT}',
      '{"algorithm":"md5",',
      '"hash":"ab"}',
      'AQAAAA',
      ':',
      'c2FsdHNhbHRzYWx0c2FsdA',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('$')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (hash) => {
        expect(await matchHash(hash, 'password')).to.equal(undefined);
      }),
      { numRuns: 500 },
    );
  });

  it('nor does a right hash that was damaged', async () => {
    const all = Object.values(MADE).map(async (make) => ({
      hash: await make(),
      password: PASSWORD,
    }));
    for (const { hash, password } of [...(await Promise.all(all)), ...MADE_ELSEWHERE]) {
      const middle = Math.floor(hash.length / 2);
      // In JSON, not every name means something.
      for (const at of hash.startsWith('{"') ? [middle] : [1, 5, middle]) {
        const damaged = `${hash.slice(0, at)}${hash.slice(at + 1)}`;
        const found = await matchHash(damaged, password);
        expect(found, damaged).to.equal(undefined);
      }
    }
  });
});

describe('a hash that costs what a sign-in may', () => {
  const key = phc(randomBytes(32));
  const b64Salt = phc(salt);
  const letters = 'a'.repeat(53);
  it('is taken: systems of today set no more', () => {
    const TAKEN = [
      `$argon2id$v=19$m=262144,t=3,p=1$${b64Salt}$${key}`,
      `$2b$14$${letters}`,
      `$scrypt$ln=17,r=8,p=1$${b64Salt}$${key}`,
      `pbkdf2_sha256$1500000$salt$${key}`,
      `$pbkdf2-sha512$600000$${b64Salt}$${key}`,
      `$6$rounds=240000$ab$${letters}${letters.slice(0, 33)}`,
      `$P$E${letters.slice(0, 30)}`,
    ];
    for (const hash of TAKEN) expect(whyUnreadable(hash), hash).to.equal(undefined);
  });
});

describe('one guess', () => {
  it('has three hashes computed at most', async () => {
    let computed = 0;
    const counting = async () => {
      computed += 1;
      return false;
    };
    const count = (format: (typeof HASH_FORMATS)[number]) => {
      const { verify, others = [] } = format;
      Object.assign(format, { verify: counting, others: others.map(() => counting) });
      return () => Object.assign(format, { verify, others });
    };
    const restore = HASH_FORMATS.map(count);
    try {
      for (const { form, hash } of MADE_ELSEWHERE) {
        computed = 0;
        await matchHash(hash, 'ﬁﬂö wrong o\u0308');
        expect(computed, form).to.be.within(1, 3);
      }
    } finally {
      for (const back of restore) back();
    }
  });
});

describe('the rows', () => {
  it('have names of their own, and no hash is two of them', async () => {
    expect(new Set(HASH_FORMATS.map(({ name }) => name)).size).to.equal(HASH_FORMATS.length);
    const elsewhere = MADE_ELSEWHERE.map(
      ({ hash }) =>
        () =>
          hash,
    );
    for (const make of [...Object.values(MADE), ...elsewhere]) {
      const hash = await make();
      expect(
        HASH_FORMATS.filter((format) => format.is(hash)),
        hash,
      ).to.have.length(1);
    }
  });
});

describe('hashing', () => {
  // The costs of tests are none.
  const config = loadConfig({ NODE_ENV: 'development' });
  const hashing = createHashing(config);

  it('says which hashes are to be made anew', async () => {
    const own = await hashing.hash(PASSWORD);
    expect(await hashing.verify(own, PASSWORD)).to.equal('right');
    expect(await hashing.verify(own, PASSWORD.normalize('NFD'))).to.equal('right');
    expect(await hashing.verify(own, 'wrong')).to.equal('wrong');
    const stronger = argonOf(argon2.argon2id, { memoryCost: 32_768, timeCost: 4 });
    expect(await hashing.verify(await stronger, PASSWORD)).to.equal('right');
    for (const form of ['argon2id, weaker', 'argon2i', 'bcrypt 2y', 'Django scrypt']) {
      const hash = (await MADE[form]?.()) ?? '';
      expect(await hashing.verify(hash, PASSWORD), form).to.equal('outdated');
    }
    const long = 'x'.repeat(80);
    expect(await hashing.verify(await bcrypt.hash(long, 4), long)).to.equal('right');
  });

  it('verifies within the queue: no more at once than it may, and busy past its end', async () => {
    const narrow = createHashing({
      ...config,
      hashing: { ...config.hashing, at_once: 1, queue: 1 },
    });
    const hash = await bcrypt.hash(PASSWORD, 6);
    const all = await Promise.allSettled([1, 2, 3].map(() => narrow.verify(hash, PASSWORD)));
    const outcomes = all.map((each) => (each.status === 'fulfilled' ? each.value : 'busy'));
    expect(outcomes).to.deep.equal(['outdated', 'outdated', 'busy']);
  });
});
