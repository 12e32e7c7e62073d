// Values of unknown shape.
import { expect } from 'chai';
import { asError, defined, isRecord, textOf, textsOf } from '../../src/lib/narrow.ts';

describe('values of unknown shape', () => {
  it('are a record if they are an object with names', () => {
    expect([{}, { a: 1 }].every(isRecord)).to.equal(true);
    expect([null, undefined, [], 'text', 1].some(isRecord)).to.equal(false);
  });

  it('are a text, or texts in a list', () => {
    expect([textOf('a'), textOf(''), textOf(1), textOf(undefined)]).to.deep.equal([
      'a',
      '',
      undefined,
      undefined,
    ]);
    expect(textsOf(['a', 1, 'b', null])).to.deep.equal(['a', 'b']);
    expect(textsOf('a')).to.deep.equal([]);
  });

  it('are errors where they were thrown', () => {
    const error = new TypeError('broken');
    expect(asError(error)).to.equal(error);
    expect(asError('broken').message).to.equal('broken');
  });

  it('are left out where they are undefined', () => {
    expect(defined({ a: 'x', b: undefined, c: '' })).to.deep.equal({ a: 'x', c: '' });
  });
});
