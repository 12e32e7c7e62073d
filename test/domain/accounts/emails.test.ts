// E-mail addresses: which texts are one, and which of them are the same.
import { expect } from 'chai';
import fc from 'fast-check';
import { isEmail, normalizedEmail } from '../../../src/domain/accounts/emails.ts';

describe('e-mail addresses', () => {
  const good = [
    'ada@example.com',
    'Ada.Love+news@Example.co.uk',
    "o'neil@example.com",
    'ада@пример.рф',
    'löwe@exämple.com',
    'a@b.cd',
    '!#$%&*/=?^_`{|}~-@example.com',
    `${'a'.repeat(64)}@example.com`,
  ];
  for (const address of good) {
    it(`takes ${address}`, () => expect(isEmail(address)).to.equal(true));
  }

  const bad = [
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@example',
    'ada@example.',
    'ada@@example.com',
    'ada@a@example.com',
    'ada love@example.com',
    'ada@exam ple.com',
    'ada@example.com\n',
    'ada@example.com\r\nBcc: eve@example.com',
    'ada\0@example.com',
    'ada\u202e@example.com',
    'ada\u200b@example.com',
    '"ada"@example.com',
    '<ada@example.com>',
    'Ada <ada@example.com>',
    'ada@example.com, eve@example.com',
    'ada@[127.0.0.1]',
    'ada\\@example.com',
    'ada\ud800@example.com',
    `${'a'.repeat(245)}@example.com`,
  ];
  for (const address of bad) {
    it(`refuses ${JSON.stringify(address)}`, () => expect(isEmail(address)).to.equal(false));
  }

  it('answers for the longest of texts, too', () => {
    for (const text of ['a@', '@', '.', 'a.', 'a@a.'].map((part) => part.repeat(50_000))) {
      expect(isEmail(text)).to.equal(false);
    }
    // Where the length were looked at last, it would be minutes.
  }).timeout(20_000);

  it('are the same in every spelling of capitals, width and space around', () => {
    const same = [' Ada@Example.COM', 'ａｄａ@example.com', 'ADA@EXAMPLE.COM\n', 'ada@example.com'];
    for (const spelling of same) expect(normalizedEmail(spelling)).to.equal('ada@example.com');
    const composed = 'lo\u0308we@example.com';
    expect(normalizedEmail(composed)).to.equal('l\u00f6we@example.com');
  });

  it('are the same whether a domain is written in its own letters or as browsers send it', () => {
    for (const [typed, sent] of [
      ['ada@München.de', 'ada@xn--mnchen-3ya.de'],
      ['ada@mu\u0308nchen.de', 'ada@XN--MNCHEN-3YA.de'],
      ['ada@faß.de', 'ada@xn--fa-hia.de'],
      ['ада@пример.рф', 'ада@xn--e1afmkfd.xn--p1ai'],
      ['ada@βόλος.gr', 'ada@xn--nxasmm1c.gr'],
      ['ada@日本。例え.jp', 'ada@xn--wgv71a.xn--r8jz45g.jp'],
    ] as const) {
      expect(normalizedEmail(typed), typed).to.equal(sent.toLowerCase());
      expect(normalizedEmail(sent), sent).to.equal(normalizedEmail(typed));
    }
  });

  it('are not changed by what a parser of URLs makes of a domain', () => {
    const strange = ['ada@ü.de/x', 'ada@ü%2e.de', 'ada@ü.de#x', 'ada@ü.de?x', 'ada@ü.1', '@ü:80'];
    for (const text of strange) expect(normalizedEmail(text), text).to.equal(text);
    expect(normalizedEmail('ada@0x7f.1')).to.equal('ada@0x7f.1');
  });

  it('are not the same where the letters differ', () => {
    const different = [
      'ada@example.com',
      'ad.a@example.com',
      'ada+x@example.com',
      'аda@example.com',
      'ada@fass.de',
      'ada@faß.de',
    ];
    expect(new Set(different.map(normalizedEmail)).size).to.equal(different.length);
  });

  // Signs that may stand in an address, those that NFKC takes apart among them.
  const sign = fc
    .oneof(fc.integer({ min: 0x21, max: 0xffff }), fc.integer({ min: 0xff01, max: 0xff5e }))
    .map((code) => String.fromCodePoint(code))
    .filter((text) => /[^\s@<>"(),:;\\[\].\p{C}]/u.test(text));
  const letters = fc.string({ unit: sign, minLength: 1, maxLength: 10 });
  const address = fc.tuple(letters, letters, letters).map(([a, b, c]) => `${a}@${b}.${c}`);

  it('have one key: the key of a key is itself', () => {
    fc.assert(
      fc.property(fc.oneof(address, fc.string({ unit: 'grapheme' })), (text) => {
        const key = normalizedEmail(text);
        expect(normalizedEmail(key)).to.equal(key);
        expect(normalizedEmail(` ${text}\t`)).to.equal(key);
      }),
      // NFKC takes it apart into a space and an accent; a long s and a soft hyphen go in UTS 46.
      { examples: [['\u1fbf'], ['\u1fbf@b.c'], ['a@\u017fü.c'], ['a@b\u00adü.c'], ['a@ü\u3002c']] },
    );
  });

  it('that are addresses have a key that is an address', () => {
    fc.assert(
      fc.property(address, (text) => {
        fc.pre(isEmail(text));
        expect(isEmail(normalizedEmail(text)), JSON.stringify(text)).to.equal(true);
      }),
      // NFKC makes of one sign two @, or a space and an accent.
      {
        examples: [
          ['ada\uff20x@example.com'],
          ['ada\u00a8@example.com'],
          ['ada\u2100@example.com'],
        ],
      },
    );
  });
});
