// A password of signs that unfold to eighteen each is judged while everybody else waits.
import { expect } from 'chai';
import { unmetRules } from '../../src/domain/passwords/rules.js';

const SETTINGS = { min: 12, max: 128, rules: ['length', 'listed'], listed: 'within' } as const;
/** Arabic ligature: NFKC makes eighteen characters of it. */
const UNFOLDING = '\ufdfa';

describe('a password that is made to be judged for long', () => {
  /** How often the word lists are asked. */
  const lookups = (password: string): number => {
    let count = 0;
    const isListed = () => {
      count += 1;
      return false;
    };
    const unmet = unmetRules(password, SETTINGS, { isListed, longestWord: 30 });
    expect(unmet).to.deep.equal(password.length > 128 ? ['length'] : []);
    return count;
  };

  it('costs no more than the longest one that could be set', () => {
    const longest = UNFOLDING.normalize('NFKC').repeat(8).slice(0, 128);
    expect(lookups(UNFOLDING.repeat(1_024))).to.equal(lookups(longest));
    expect(lookups('a'.repeat(1_024))).to.equal(lookups('a'.repeat(128)));
  });
});
