// The one judge: a table of passwords, and what holds for all there are.
import { expect } from 'chai';
import fc from 'fast-check';
import type { PasswordSettings } from '../../../src/config/schema.ts';
import { createPasswordPolicy, type Rule } from '../../../src/domain/passwords/policy.ts';
import { hintFor, strengthOf } from '../../../src/domain/passwords/strength.js';

const ADA = { email: 'ada.lovelace@example.com', name: 'Ada Löwenherz-King' };

function policy(change: Partial<PasswordSettings> = {}) {
  const settings = {
    version: 1,
    preset: 'composition',
    refusal_min_ms: 0,
    candidates: 20,
  } as const;
  return createPasswordPolicy({ ...settings, ...change });
}

function unmet(password: string, change: Partial<PasswordSettings> = {}, owner = ADA): Rule[] {
  const { rules } = policy(change).checkPassword(password, owner);
  return rules.filter(({ met }) => !met).map(({ rule }) => rule);
}

type Row = readonly [password: string, unmet: readonly Rule[], why?: string];

const LENGTH: readonly Row[] = [
  ['', ['length', 'uppercase', 'lowercase', 'digit', 'special'], 'nothing at all'],
  ['Gu7-Ropi3zK', ['length'], '11'],
  ['Gu7-Ropi3zKe', [], '12'],
  [`Gu7-${'Ropi3zKe'.repeat(15)}abcd`, ['runs'], 'a run at the end of 128'],
  [`Gu7-${'Ropi3zKe'.repeat(15)}wuxv`, [], '128'],
  [`Gu7-${'Ropi3zKe'.repeat(15)}wuxva`, ['length'], '129'],
  ['Gu7-R😀😀😀😀', ['length', 'repeats'], 'signs outside the plane count once'],
  ['Gu7-Rop😀😁😀😁😀', [], 'as 12'],
  ['Gu7-Ropi3ｚK', ['length'], 'full width folds to one'],
  ['Gu7-Ropi3zﬃ', [], 'a ligature unfolds to three'],
  ['  Gu7-Ropi3zKe  ', [], 'spaces at the ends stay and count'],
];

const KINDS: readonly Row[] = [
  ['gu7-ropi3zkelv', ['uppercase']],
  ['GU7-ROPI3ZKELV', ['lowercase']],
  ['Guw-RopimzKelv', ['digit']],
  ['Gu7wRopi3zKelv', ['special']],
  ['Ğü7-röpi3zkelv', [], 'letters of any script with case'],
  ['Жу7-ropi3zkelv', []],
  ['Gu٧-Ropi٣zKelv', [], 'digits of any script'],
  ['Gu7 Ropi3zKelv', [], 'a space is special'],
  ['Gu7€Ropi3zKelv', []],
  ['Gu7、Ropi3zKelv', []],
  ['Gu7\u200dRopi3zKelv', ['special'], 'what nobody sees is not'],
  ['漢字かな漢字かな漢字かな', ['uppercase', 'lowercase', 'digit', 'special'], 'no case, no sign'],
  ['GU7-ropi3zkelv'.normalize('NFD'), []],
];

const LISTED: readonly Row[] = [
  ['Password1234!', ['listed', 'runs']],
  ['Password2024!', ['listed']],
  ['P@ssw0rd2024!', ['listed']],
  ['p4$$W0RD-2024', ['listed']],
  ['2024!Password', ['listed'], 'at the other end'],
  ['!!2024PASSWord!!', ['listed']],
  ['Sunshine-2031', ['listed']],
  ['5un5h1n3-2031X', ['listed']],
  ['$unshine-2031X', ['listed'], 'a sign at the end that stands for a letter'],
  ['Kangaroo-2031', ['listed'], 'a dictionary word'],
  ['K4ng4r00-2031', ['listed']],
  ['Elephant!2031x', ['listed'], 'one other letter'],
  ['Dragon-2831-Xkv', ['listed'], 'three others'],
  ['Dragon-Xkvbqwz-7', ['listed'], 'seven others'],
  ['Dragon-Xkvbqwzt-7', [], 'eight others'],
  ['Xkvb-Dragon-Qwzt7', [], 'on both sides'],
  ['Dragon-Dragon-Dragon-7', ['listed'], 'itself is no other'],
  ['Correct-Horse-Battery-7', [], 'words that have nothing to do with each other'],
  ['2841-Wolf-2841-W', ['listed'], 'a short word that stands alone'],
  ['28Xwolfv41-2841', [], 'a short word among letters'],
  ['Christopher-2031', ['listed'], 'a first name'],
  ['Rodriguez-2031x', ['listed'], 'a family name'],
  ['Ｐａｓｓｗｏｒｄ2024!', ['listed'], 'full width'],
  ['Tavu7-Ripo3-Keld9', []],
  [' Tavu7 Ripo3ö ', []],
  ['kT9#mVq2Lp8xW$', []],
  ['Kx9#19871204mQ', [], 'a number in the middle is no word'],
];

const PERSONAL: readonly Row[] = [
  ['ada.lovelace-7X', ['personal', 'listed']],
  ['Xy7-ADA.LOVELACE', ['personal', 'listed']],
  ['Xy7-4d4.l0v3l4c3-Pq', ['personal', 'listed'], 'in leet'],
  ['Löwenherz-2831', ['personal']],
  ['LÖWENHERZ-2831x'.normalize('NFD'), ['personal']],
  ['2831-xKing-Bvq2', ['personal'], 'a name of four letters'],
  ['2831-xAda-Bvq29', [], 'a name of three'],
  ['2831-Lovelace-Bvqrtzpwk', [], 'a part of the address'],
  ['2831-example.com-Bvqrtz', [], 'the domain'],
];

const RUNS: readonly Row[] = [
  ['Gu-1234-Ropizk', ['runs']],
  ['Gu-4321-Ropizk', ['runs']],
  ['Gu-123-Ropizkw', []],
  ['Gu-7890-Ropizk', ['runs'], 'along the row of digits'],
  ['Gu7-abcd-Ropzk', ['runs']],
  ['Gu7-dCbA-Ropzk', ['runs'], 'in any case'],
  ['Gu7-abd-Ropizk', []],
  ['Gu7-qwer-Ropzk', ['runs']],
  ['Gu7-REWQ-Ropzk', ['runs'], 'backwards'],
  ['Gu7-lkjh-Ropzk', ['runs']],
  ['Gu7-xcvb-Ropzk', ['runs']],
  ['Gu7-qwe-Ropizk', []],
  ['Gu7-ertz-Ropki', ['runs'], 'on a German keyboard'],
  ['Gu7-xazer-Ropk', ['runs'], 'on a French one'],
  ['Gu7!@#$Ropizkw', ['runs'], 'with shift'],
  ['Gu7-абвг-Ropzk', ['runs'], 'of another script'],
  ['Gu7-１２３４-Ropz', ['runs'], 'full width'],
  ['Gu7-1357-Ropzk', [], 'in steps of two'],
  ['Gu7-09:;-Ropzk', [], 'neighbours of different kinds'],
];

const REPEATS: readonly Row[] = [
  ['Gu7----Ropizk', ['repeats']],
  ['Gu7---Ropizkw', []],
  ['Guuuu7-Ropizk', ['repeats']],
  ['GuUuU7-Ropizk', [], 'another case is another character'],
  ['Gu7-ＡＡAＡ-ropizk', ['repeats'], 'full width'],
  ['Gu7-Rop😀😀😀😀-zk', ['repeats']],
];

const TABLE = { LENGTH, KINDS, LISTED, PERSONAL, RUNS, REPEATS };

describe('the judge of passwords', () => {
  for (const [title, rows] of Object.entries(TABLE)) {
    describe(title.toLowerCase(), () => {
      for (const [password, expected, why] of rows) {
        const says = expected.length === 0 ? 'is met by' : `${expected.join(', ')}:`;
        it(`${says} ${JSON.stringify(password)}${why ? ` (${why})` : ''}`, () => {
          expect(unmet(password)).to.have.members(expected);
        });
      }
    });
  }

  it('answers for each rule, in one order', () => {
    const { met, rules } = policy().checkPassword('abcd', ADA);
    expect(met).to.equal(false);
    expect(rules.map(({ rule }) => rule)).to.deep.equal([
      'length',
      'uppercase',
      'lowercase',
      'digit',
      'special',
      'listed',
      'personal',
      'runs',
      'repeats',
    ]);
  });

  it('knows nobody where nobody is known', () => {
    expect(policy().checkPassword('Löwenherz-2831', {}).met).to.equal(true);
    expect(
      policy().checkPassword('Xy7-Ropi3-Kelv9', { email: 'no address', name: '' }).met,
    ).to.equal(true);
  });
});

describe('the switches of the policy', () => {
  const SWITCHES = {
    uppercase: 'gu7-ropi3zkelv',
    lowercase: 'GU7-ROPI3ZKELV',
    digit: 'Guw-RopimzKelv',
    special: 'Gu7wRopi3zKelv',
    listed: 'Password2024!',
    personal: 'Löwenherz-2831',
    runs: 'Gu7-abcd-Ropzk',
    repeats: 'Gu7----Ropizk',
  } as const;
  for (const [rule, password] of Object.entries(SWITCHES)) {
    it(`${rule} can be off`, () => {
      expect(unmet(password)).to.deep.equal([rule]);
      expect(unmet(password, { [rule]: false })).to.deep.equal([]);
    });
  }

  it('the lengths are options', () => {
    expect(unmet('Gu7-Rov3', { min_length: 8 })).to.deep.equal([]);
    expect(unmet('Gu7-Ropi3zKelv', { max_length: 13 })).to.deep.equal(['length']);
  });

  it('`standards` wants 15 characters, nothing listed, and no composition', () => {
    const standards = { preset: 'standards' } as const;
    for (const good of ['gupropizkelvwab', 'aaaabbbbccccddddeeee', 'horse battery staple 1234']) {
      expect(unmet(good, standards), good).to.deep.equal([]);
    }
    expect(unmet('gupropizkelvwa', standards)).to.deep.equal(['length']);
    expect(unmet('P@ssw0rd20242024!', standards)).to.deep.equal(['listed']);
    expect(unmet('kangaroo-19-kangaroo', standards)).to.deep.equal([], 'words in it are allowed');
    expect(unmet('löwenherz-löwenherz', standards)).to.deep.equal(['personal']);
    expect(unmet('gupropizkelvwab', { ...standards, digit: true })).to.deep.equal(['digit']);
  });
});

describe('versions of the policy', () => {
  const at = Date.parse('2030-01-01T00:00:00Z');
  const announced = {
    version: 7,
    preset: 'standards',
    enforced_from: '2030-01-01T02:00:00+02:00',
  } as const;
  const both = policy({ version: 3, announced });
  const OLD = 'Gu7-Ropi3zKe';
  const NEW = 'gupropizkelvwab';
  const BOTH = 'Gu7-Ropi3zKelvw';

  it('the one in force counts until the day of the next', () => {
    const before = at - 1;
    expect(both.reviewStored(OLD, ADA, before)).to.deep.equal({ unmet: false, meets: 3 });
    expect(both.reviewStored(NEW, ADA, before)).to.deep.equal({ unmet: true, meets: 7 });
    expect(both.reviewStored(BOTH, ADA, before)).to.deep.equal({ unmet: false, meets: 7 });
    expect(both.reviewStored('x', ADA, before)).to.deep.equal({ unmet: true, meets: undefined });
    expect(both.reviewStored(OLD, ADA, at)).to.deep.equal({ unmet: true, meets: 3 });
    expect(both.reviewStored(NEW, ADA, at)).to.deep.equal({ unmet: false, meets: 7 });
  });

  it('a new password meets both', () => {
    expect(both.newest).to.equal(7);
    expect([OLD, NEW, BOTH].map((each) => both.checkPassword(each, ADA).met)).to.deep.equal([
      false,
      false,
      true,
    ]);
  });

  it('an account is due whose password is not known to meet the one in force', () => {
    const table = [
      [undefined, true, true],
      [2, true, true],
      [3, false, true],
      [7, false, false],
    ] as const;
    for (const [knownPolicyVersion, before, after] of table) {
      const account = { passwordHash: 'any', knownPolicyVersion };
      expect(both.isDue(account, at - 1), `${knownPolicyVersion} before`).to.equal(before);
      expect(both.isDue(account, at), `${knownPolicyVersion} after`).to.equal(after);
      expect(both.isDue({ ...account, passwordHash: undefined }, at)).to.equal(false);
    }
    expect(both.announced(at - 1)).to.include({ version: 7, enforcedFrom: at });
    expect(both.announced(at)).to.equal(undefined);
    expect(policy().announced(at)).to.equal(undefined);
  });
});

describe('whatever is typed', () => {
  const text = fc.string({ unit: 'binary', maxLength: 150 });
  const checkPassword = policy();
  const verdict = (password: string) => checkPassword.checkPassword(password, ADA).rules;

  it('is judged, and the same in every form of Unicode', () => {
    fc.assert(
      fc.property(text, (password) => {
        const nfd = verdict(password.normalize('NFD'));
        expect(verdict(password.normalize('NFC'))).to.deep.equal(nfd);
        expect(verdict(password.normalize('NFKC'))).to.deep.equal(nfd);
      }),
      { numRuns: 200 },
    );
  });

  it('only gains by length what length can give', () => {
    fc.assert(
      fc.property(text, (password) => {
        const kinds = (each: string) =>
          verdict(each).filter(({ rule }) => ['uppercase', 'digit', 'special'].includes(rule));
        for (const [index, { met }] of kinds(password).entries()) {
          if (met) expect(kinds(`${password}A7-`)[index]?.met).to.equal(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('a listed word with digits and signs around it is refused', () => {
    const words = fc.constantFrom(
      'monkey',
      'dragon',
      'welcome',
      'football',
      'kangaroo',
      'baseball',
    );
    const ends = fc.string({ unit: fc.constantFrom(...'0123456789!?-_.,;:'), maxLength: 20 });
    fc.assert(
      fc.property(words, ends, ends, fc.boolean(), (word, before, after, upper) => {
        const password = `${before}${upper ? word.toUpperCase() : word}${after}`;
        expect(unmet(password)).to.include('listed');
      }),
    );
  });

  it('four of one kind in a row are found wherever they stand', () => {
    const rows = ['1234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'abcdefghijklmnopqrstuvwxyz'];
    const around = fc.string({ unit: fc.constantFrom(...'KÖ7-e'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.constantFrom(...rows),
        fc.nat(30),
        fc.boolean(),
        around,
        around,
        (row, at, backwards, before, after) => {
          const run = row.slice(at % (row.length - 3)).slice(0, 4);
          const typed = backwards ? [...run].reverse().join('') : run;
          expect(unmet(`${before}${typed}${after}`)).to.include('runs');
        },
      ),
    );
  });

  it('has a strength, and a hint for it', () => {
    fc.assert(
      fc.property(text, (password) => {
        const rules = unmet(password);
        const strength = strengthOf(password, rules);
        expect(['weak', 'fair', 'good', 'strong']).to.include(strength);
        expect(hintFor(strength, rules)).to.be.a('string');
        if (rules.includes('listed')) expect(strength).to.equal('weak');
      }),
      { numRuns: 100 },
    );
  });
});

describe('the strength of a password', () => {
  const table = [
    ['', 'weak'],
    ['password', 'weak'],
    ['Gu7-Rovi', 'fair'],
    ['Password2024!', 'weak'],
    ['Gu7-Ropi3zKe', 'good'],
    ['kT9#mVq2Lp8xW$', 'strong'],
    ['Tavu7-Ripo3-Keld9', 'strong'],
    ['Gu7-Gu7-Gu7-Gu7-', 'weak'],
  ] as const;
  for (const [password, strength] of table) {
    it(`${JSON.stringify(password)} is ${strength}`, () => {
      expect(strengthOf(password, unmet(password))).to.equal(strength);
    });
  }

  it('one hint: what is unmet first, then more of it', () => {
    expect(hintFor('weak', ['digit', 'runs'])).to.equal('digit');
    expect(hintFor('fair', [])).to.equal('longer');
    expect(hintFor('good', [])).to.equal('more');
    expect(hintFor('strong', [])).to.equal('none');
  });
});
