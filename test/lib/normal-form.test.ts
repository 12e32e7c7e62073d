// The form in which texts are compared, and what is too much to be brought into it.
import { expect } from 'chai';
import fc from 'fast-check';
import { nfkc } from '../../src/lib/normal-form.ts';

/** In another order than the form has them: a bubble sort would be done. */
const marks = (count: number) => '\u0315\u0300'.repeat(count / 2);
const voiced = (count: number) => '\uff9e\u0334'.repeat(count / 2);

describe('the form NFKC', () => {
  it('is that of Unicode', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(nfkc(text)).to.equal(text.normalize('NFKC'));
      }),
    );
    expect(nfkc('ｅ\u0301\ufb01')).to.equal('éfi');
  });

  it('is that of Unicode for as many marks as a letter can have', () => {
    for (const some of [marks(30), voiced(30), `${marks(30)}a${marks(30)}`]) {
      expect(nfkc(`a${some}`)).to.equal(`a${some}`.normalize('NFKC'));
    }
  });

  it('is not asked for where sorting the marks would take long', () => {
    for (const many of [marks(32), marks(4000), voiced(32), voiced(4000)]) {
      const texts = [many, `a${many}`, `ab${marks(20)}c${many}d`, `${many}ﬁ`];
      for (const text of texts) expect(nfkc(text)).to.equal(text);
    }
  });
});
