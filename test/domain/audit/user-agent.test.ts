// Whatever a browser calls itself, one line comes out of it.
import { expect } from 'chai';
import fc from 'fast-check';
import { describeUserAgent } from '../../../src/domain/audit/user-agent.ts';

describe('a User-Agent in the audit', () => {
  const table: ReadonlyArray<readonly [says: string, sent: string, is: string]> = [
    ['what browsers send', 'Mozilla/5.0 (X11; Linux)', 'Mozilla/5.0 (X11; Linux)'],
    ['letters of any language', 'Größe/1 日本', 'Größe/1 日本'],
    ['a line break', 'a\r\n{"level":60}', 'a\\u{d}\\u{a}{"level":60}'],
    ['an escape for terminals', 'a\x1b[31mred\x9b0m', 'a\\u{1b}[31mred\\u{9b}0m'],
    ['a NUL', 'a\0b', 'a\\u{0}b'],
    ['what looks like an escape already', 'a\\u{d}b', 'a\\\\u{d}b'],
    ['letters that turn the line around', 'a\u202eb\u2066c', 'a\\u{202e}b\\u{2066}c'],
    ['line breaks of Unicode', 'a\u2028b\u2029c\x85d', 'a\\u{2028}b\\u{2029}c\\u{85}d'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
  ];
  for (const [says, sent, is] of table) {
    it(`escapes ${says}`, () => expect(describeUserAgent(sent)).to.equal(is));
  }

  it('is cut, and says so', () => {
    expect(describeUserAgent('x'.repeat(256))).to.equal('x'.repeat(256));
    expect(describeUserAgent('x'.repeat(257))).to.equal(`${'x'.repeat(255)}…`);
    expect(describeUserAgent('\n'.repeat(10_000))).to.have.length(256);
  });

  it('is one short line of whole characters, whatever was sent', () => {
    const text = fc.string({ unit: 'binary', maxLength: 600 });
    fc.assert(
      fc.property(text, (sent) => {
        const is = describeUserAgent(sent);
        expect(is.length).to.be.at.most(256);
        expect(is).not.to.match(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(is.isWellFormed()).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });
});
