// Codes as people type and paste them, in any script and with anything between the digits.
import { expect } from 'chai';
import { readCrockford } from '../../src/lib/crockford.ts';
import { readSixDigits, readTyped } from '../../src/lib/typed-codes.ts';

describe('typed codes', () => {
  it('are six digits, whatever stands between them', () => {
    const between = [
      ' ',
      '\t',
      '\u00a0',
      '\u2009',
      '\u3000',
      '\u0085',
      '-',
      '‐',
      '‑',
      '–',
      '—',
      '−',
    ];
    const invisible = ['\u200b', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u202c', '\u034f', 'ー'];
    for (const each of [...between, ...invisible]) {
      const typed = `${each}123${each}${each}456${each}`;
      expect(readSixDigits(typed), JSON.stringify(each)).to.equal('123456');
    }
  });

  it('are read in the digits of every script', () => {
    const systems = Intl.supportedValuesOf('numberingSystem').map((numberingSystem) =>
      new Intl.NumberFormat('en', { numberingSystem, useGrouping: false }).format(9_081_726_354),
    );
    const digits = systems.filter((text) => /^\p{Nd}{10}$/u.test(text));
    expect(digits).to.have.length.above(30);
    for (const text of digits) expect(readTyped(text), text).to.equal('9081726354');
    expect(readSixDigits('١٢٣٤٥٦')).to.equal('123456');
    expect(readSixDigits('１２３４５６')).to.equal('123456');
    expect(readSixDigits('1٢3४5６')).to.equal('123456');
  });

  it('have a value for every digit there is: ten of a script, in their order', () => {
    const points = Array.from({ length: 0x110000 }, (_, point) => String.fromCodePoint(point));
    const digits = points.filter((each) => /^\p{Nd}$/u.test(each));
    const values = digits.map(readTyped).join('');
    expect(values).to.equal('0123456789'.repeat(digits.length / 10));
  });

  it('are no codes with fewer digits, more of them, or anything else', () => {
    const wrong = ['', ' ', '12345', '1234567', '-12345', '12345a', '1e5', '0x1234', '+12345'];
    for (const typed of [...wrong, '12.345', '一二三四五六', 'ⅠⅡⅢⅣⅤⅥ', '9'.repeat(4_000)]) {
      expect(readSixDigits(typed), typed.slice(0, 20)).to.equal(undefined);
    }
  });

  it('are read as backup codes in the same way', () => {
    for (const typed of [
      'abcd-1234',
      ' ABCD – 1234',
      'ＡＢＣＤ\u200b1234',
      'abcd−١٢٣٤',
      'AbCd l2З4',
    ])
      expect(readCrockford(typed).slice(0, 4), typed).to.equal('ABCD');
    expect(readCrockford('abcd−١٢٣٤')).to.equal('ABCD1234');
    expect(readCrockford('oIl\u200dO-aBcD')).to.equal('0110ABCD');
  });
});
