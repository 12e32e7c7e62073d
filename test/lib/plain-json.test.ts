// What JSON.parse lets pass: found in any spelling, and in one walk through the text.
import { expect } from 'chai';
import fc from 'fast-check';
import { findJsonFlaw } from '../../src/lib/plain-json.ts';

describe('flaws of JSON texts', () => {
  it('none in what JSON.stringify writes, unless it is too deep', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), (value, indent) => {
        expect(findJsonFlaw(JSON.stringify(value, undefined, indent))).to.equal(undefined);
      }),
    );
  });

  it('one wherever a name comes twice, however it is spelt', () => {
    const escaped = (name: string) =>
      [...name.split('')]
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('');
    fc.assert(
      fc.property(fc.string(), fc.jsonValue({ maxDepth: 2 }), (name, value) => {
        const first = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
        const source = `[{${first},"another":{},"${escaped(name)}":1}]`;
        expect(findJsonFlaw(source)).to.include({ kind: 'sent-twice' });
      }),
    );
  });

  it('nothing in any text makes it fail', () => {
    const alphabet = fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', 'a', '\n', '\ud800');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 60 }), (text) => void findJsonFlaw(text)),
    );
  });

  it('each name is read once', () => {
    const parse = JSON.parse;
    let read = 0;
    JSON.parse = (text, ...more) => {
      read += text.length;
      return parse(text, ...more);
    };
    try {
      const long = `"${'\\n'.repeat(1000)}"`;
      for (const text of [
        `${long}${':'.repeat(500)}`,
        `{${`${long}:`.repeat(20)}`,
        `[${'"\\x":'.repeat(500)}`,
      ]) {
        read = 0;
        findJsonFlaw(text);
        expect(read).to.be.at.most(text.length);
      }
    } finally {
      JSON.parse = parse;
    }
  });

  // With a walk from each quote these would take minutes.
  for (const [what, piece] of [
    ['escaped quotes', '\\"'],
    ['escaped line ends', '\\\n'],
    ['quotes', '"'],
    ['escapes', '\\'],
  ] as const) {
    it(`a text without an end, of ${what}, is walked through once`, () => {
      findJsonFlaw(`"${piece.repeat(1_000_000)}`);
    });
  }
});
