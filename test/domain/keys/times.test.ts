// What a key is used for, told from times alone.
import { expect } from 'chai';
import { type KeyState, timedKeys } from '../../../src/domain/keys/times.ts';
import type { KeyTimes } from '../../../src/store/signing-keys.ts';

const LONGEST = 3_600_000;
const LATE = 120_000;

const key = (sequence: number, signsFrom: number, more: Partial<KeyTimes> = {}): KeyTimes => ({
  kid: `${more.alg ?? 'RS256'}-${sequence}`,
  alg: 'RS256',
  sequence,
  createdAt: signsFrom - 1000,
  signsFrom,
  overlap: LONGEST,
  retiredAt: undefined,
  ...more,
});

const statesAt = (at: number, ...keys: KeyTimes[]): KeyState[] =>
  timedKeys(keys, LONGEST, at).map(({ state }) => state);

describe('states of signing keys', () => {
  const [first, second] = [key(1, 1_000_000), key(2, 9_000_000)];

  it('the successor takes over at its very time', () => {
    expect(statesAt(8_999_999, first, second)).to.deep.equal(['signing', 'waiting']);
    expect(statesAt(9_000_000, first, second)).to.deep.equal(['verifying', 'signing']);
  });

  it('there is always one that signs, also where the clock is slow', () => {
    expect(statesAt(0, first)).to.deep.equal(['signing']);
    expect(statesAt(0, first, second)).to.deep.equal(['signing', 'waiting']);
    const survivor = key(2, 9_000_000);
    expect(statesAt(0, key(1, 0, { retiredAt: 5 }), survivor)).to.deep.equal([
      'retired',
      'signing',
    ]);
  });

  it('algorithms do not know of each other', () => {
    const other = key(2, 2_000_000, { alg: 'ES256' });
    expect(statesAt(5_000_000, first, other)).to.deep.equal(['signing', 'signing']);
  });

  it('one that was overtaken while it waited never signs', () => {
    const urgent = key(3, 2_000_000);
    expect(statesAt(1_500_000, first, second, urgent)).to.deep.equal([
      'signing',
      'waiting',
      'waiting',
    ]);
    for (const at of [2_000_000, 9_000_000, 99_000_000]) {
      const states = statesAt(at, first, second, urgent);
      expect(states).to.deep.equal(['verifying', 'verifying', 'signing']);
    }
  });

  it('each stays until the longest token of before and of now has run out', () => {
    const retiresAt = (overlap: number, longest: number) =>
      timedKeys([first, key(2, 9_000_000, { overlap })], longest, 0)[0]?.retiresAt;
    expect(retiresAt(1000, 5000)).to.equal(9_000_000 + 5000 + LATE);
    expect(retiresAt(7000, 5000)).to.equal(9_000_000 + 7000 + LATE);
  });
});
