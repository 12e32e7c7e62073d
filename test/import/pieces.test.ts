// Imports arrive in chunks that end anywhere: within a character, a text or a line end.
import { expect } from 'chai';
import fc from 'fast-check';
import { type Piece, piecesOf } from '../../src/import/pieces.ts';
import { createEncodingCheck } from '../../src/lib/utf8.ts';

function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let from = 0, at = 0; from < bytes.length; at += 1) {
    const size = sizes[at % sizes.length] ?? 1;
    chunks.push(bytes.subarray(from, from + size));
    from += size;
  }
  return chunks;
}

async function piecesIn(chunks: readonly Buffer[]): Promise<Piece[]> {
  const stream = (async function* () {
    yield* chunks;
  })();
  const pieces: Piece[] = [];
  for await (const each of piecesOf(stream)) pieces.push(each);
  return pieces;
}

const LINE_ENDS = ['\n', '\r\n'];
const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
const texts = fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { minLength: 1 });
const records = fc.oneof(
  texts.map((names) => names.map((name) => ({ name: name.toWellFormed() }))),
  fc.constant([{ name: 'a\u2028b\u0085c\v\f' }, { name: '"[{\\' }, { name: '€😀' }]),
);

describe('the pieces of an import', () => {
  it('are the lines that were written, however they arrive', () =>
    fc.assert(
      fc.asyncProperty(records, sizes, fc.constantFrom(...LINE_ENDS), async (all, size, end) => {
        const bytes = Buffer.from(`\ufeff${all.map((each) => JSON.stringify(each)).join(end)}`);
        const pieces = await piecesIn(chunksOf(bytes, size));
        expect(pieces.map(({ line }) => line)).to.deep.equal(all.map((_, at) => at + 1));
        expect(pieces.map((each) => 'text' in each && JSON.parse(each.text))).to.deep.equal(all);
      }),
      { numRuns: 50 },
    ));

  it('are the elements of an array, each with the line where it begins', () =>
    fc.assert(
      fc.asyncProperty(records, sizes, async (all, size) => {
        const bytes = Buffer.from(JSON.stringify(all, null, 1));
        const pieces = await piecesIn(chunksOf(bytes, size));
        expect(pieces.map(({ line }) => line)).to.deep.equal(all.map((_, at) => 2 + 3 * at));
        expect(pieces.map((each) => 'text' in each && JSON.parse(each.text))).to.deep.equal(all);
      }),
      { numRuns: 50 },
    ));

  it('are UTF-8, or the line says where not', () =>
    fc.assert(
      fc.property(texts, sizes, (all, size) => {
        const good = Buffer.from(
          `{}\n${all.map((each) => each.toWellFormed().replaceAll('\n', '')).join('\n')}`,
        );
        const flawOf = (bytes: Buffer) => {
          const check = createEncodingCheck();
          for (const chunk of chunksOf(bytes, size)) {
            const flaw = check.push(chunk);
            if (flaw) return flaw;
          }
          return check.end();
        };
        expect(flawOf(good)).to.equal(undefined);
        const bad = Buffer.concat([good, Buffer.from([0x0a, 0x5a, 0xe9, 0x22])]);
        expect(flawOf(bad)).to.include(`line ${all.length + 2})`);
      }),
      { numRuns: 50 },
    ));
});
