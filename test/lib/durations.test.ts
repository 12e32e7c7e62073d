// Lengths of time as people write them.
import { expect } from 'chai';
import { parseDuration } from '../../src/lib/durations.ts';

describe('durations', () => {
  for (const [text, milliseconds] of [
    ['90s', 90_000],
    ['15m', 900_000],
    ['3h', 10_800_000],
    ['8d', 691_200_000],
    ['0s', 0],
  ] as const) {
    it(`reads ${text}`, () => expect(parseDuration(text)).to.equal(milliseconds));
  }

  for (const text of ['', '90', 's', '-1s', '1.5h', '1w', ' 1s', '1s ', '1S', '1e3s', '1h30m']) {
    it(`refuses "${text}"`, () => expect(parseDuration(text)).to.equal(undefined));
  }
});
