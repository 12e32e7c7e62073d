// The Cookie header, read as browsers write it.
import { expect } from 'chai';
import { cookiePairs, cookieValues } from '../../src/lib/cookies.ts';

describe('cookies', () => {
  it('are pairs between semicolons, with spaces around them', () => {
    const expected = [
      ['a', '1'],
      ['b', '2=3'],
      ['c', ''],
    ];
    expect(cookiePairs('a=1;  b=2=3 ; c=')).to.deep.equal(expected);
  });

  it('of one name are told in their order', () => {
    expect(cookieValues('a=1; b=2; a=3', 'a')).to.deep.equal(['1', '3']);
    expect(cookieValues('', 'a')).to.deep.equal([]);
  });

  it('without a name, or of another spelling, are no others', () => {
    for (const header of ['a', '=a=1', 'A=1', '\ta=1', '\xa0a=1', '\u2000a=1', 'a\t=1', '"a"=1']) {
      expect(cookieValues(header, 'a'), JSON.stringify(header)).to.deep.equal([]);
    }
  });
});
