// Codes against the vectors of RFC 6238 and RFC 4226, and what is near to right.
import { expect } from 'chai';
import { findFit } from '../../../src/factors/totp/codes.ts';
import { burntUntil, matchCode } from '../../../src/factors/totp/verdicts.ts';
import { codeFor, hotp } from '../../support/authenticator-app.ts';

const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('codes of authenticators', () => {
  // RFC 6238, appendix B: eight digits, of which an app shows the last six.
  const vectors = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ] as const;

  for (const [seconds, eight] of vectors) {
    it(`RFC 6238 at ${seconds}`, () => {
      const step = Math.floor(seconds / 30);
      const fit = findFit(SECRET, eight.slice(2), seconds * 1000, 0);
      expect(fit).to.deep.equal({ step, distance: 0 });
      expect(codeFor(SECRET, seconds * 1000, 'sha1', 8)).to.equal(eight);
    });
  }

  // RFC 4226, appendix D: the counter is the time step.
  const counters = ['755224', '287082', '359152', '969429', '338314', '254676', '287922'];
  for (const [counter, code] of counters.entries()) {
    it(`RFC 4226 with counter ${counter}`, () => {
      expect(findFit(SECRET, code, counter * 30_000, 0)?.step).to.equal(counter);
      expect(hotp(Buffer.from('12345678901234567890'), counter)).to.equal(code);
    });
  }

  it('of an imported secret of 80 bits fit, too', () => {
    const short = 'JBSWY3DPEHPK3PXP';
    expect(findFit(short, codeFor(short, 59_000), 59_000, 0)?.step).to.equal(1);
  });

  const at = 1_800_000_000_000;
  const present = at / 30_000;
  const off = (steps: number) => matchCode(SECRET, codeFor(SECRET, at + steps * 30_000), at);

  it('fit one step either side, from the first to the last second of a step', () => {
    for (const distance of [-1, 0, 1]) {
      expect(off(distance)).to.deep.equal({ kind: 'fits', step: present + distance });
      const code = codeFor(SECRET, at + distance * 30_000);
      expect(matchCode(SECRET, code, at + 29_999).kind).to.equal('fits');
    }
  });

  it('two or three steps old have expired', () => {
    for (const distance of [-2, -3]) {
      expect(off(distance)).to.deep.include({ kind: 'near', hint: { key: 'totp.old' } });
    }
  });

  it('further off, up to ten minutes, they tell how the clock is off', () => {
    const hint = (steps: number) => {
      const found = off(steps);
      return found.kind === 'near' ? [found.hint.key, found.hint.values?.minutes] : found.kind;
    };
    expect(hint(2)).to.deep.equal(['totp.clock-ahead-one', 1]);
    expect(hint(-4)).to.deep.equal(['totp.clock-behind', 2]);
    expect(hint(-20)).to.deep.equal(['totp.clock-behind', 10]);
    expect(hint(20)).to.deep.equal(['totp.clock-ahead', 10]);
    expect(hint(21)).to.equal('wrong');
    expect(hint(-21)).to.equal('wrong');
  });

  it('a burnt step is remembered until it can no longer be asked for', () => {
    for (const distance of [2, 20]) {
      const step = present + distance;
      const until = burntUntil(step);
      const code = codeFor(SECRET, step * 30_000);
      expect(matchCode(SECRET, code, until - 1).kind).to.equal('fits');
      expect(matchCode(SECRET, code, until).kind).not.to.equal('fits');
    }
  });
});
