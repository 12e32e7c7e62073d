// The clock: one source of time, which tests move together with Date.
import { expect } from 'chai';
import fc from 'fast-check';
import { moveTestClock, now, nowSeconds, replaceDate, toIso } from '../../src/lib/clock.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe('clock', () => {
  const UsualDate = Date;
  /** As no test clock moves it: other files may have installed one. */
  const realNow = () => performance.timeOrigin + performance.now();
  before(() => replaceDate());
  afterEach(() => moveTestClock(0));
  after(() => {
    globalThis.Date = UsualDate;
  });

  it('is moved together with Date', () => {
    fc.assert(
      fc.property(fc.integer({ min: -400 * DAY, max: 400 * DAY }), (offset) => {
        moveTestClock(offset);
        const real = realNow();
        const newDate = new Date();
        for (const time of [now(), Date.now(), +newDate, nowSeconds() * 1000 + 999]) {
          expect(time).to.be.closeTo(real + offset, MINUTE);
        }
      }),
    );
  });

  it('leaves a Date of a given time alone', () => {
    moveTestClock(10 * DAY);
    expect(new Date(0).toISOString()).to.equal('1970-01-01T00:00:00.000Z');
    expect(new Date(2026, 0, 31, 12).getMonth()).to.equal(0);
    expect(new Date('2026-01-31T12:00:00Z').getTime()).to.equal(1_769_860_800_000);
    expect(new Date(new Date(5)).getTime()).to.equal(5);
    expect(Date.UTC(2026, 0, 31)).to.equal(1_769_817_600_000);
    expect(Date.parse('2026-01-31')).to.equal(1_769_817_600_000);
    expect(new Date() instanceof Date).to.equal(true);
  });

  it('goes back to the real time', () => {
    moveTestClock(DAY);
    moveTestClock(0);
    expect(now()).to.be.closeTo(realNow(), MINUTE);
  });

  it('writes times that read back as they were', () => {
    const times = fc.integer({ min: 0, max: 8_640_000_000_000_000 });
    fc.assert(
      fc.property(times, (time) => {
        moveTestClock(DAY);
        expect(Date.parse(toIso(time))).to.equal(time);
      }),
    );
  });
});
