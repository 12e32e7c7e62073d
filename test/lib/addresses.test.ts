// Lists of address ranges: how a range is read, and which addresses a list lets in.
import { expect } from 'chai';
import { isAllowedAddress, normalRange } from '../../src/lib/addresses.ts';

describe('address ranges', () => {
  for (const [text, range] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    [' 10.1.2.3/8 ', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::1/32', '2001:db8:0:0:0:0:0:0/32'],
    ['::1', '0:0:0:0:0:0:0:1/128'],
    ['::ffff:192.0.2.7', '192.0.2.7/32'],
  ]) {
    it(`reads ${text}`, () => expect(normalRange(text as string)).to.equal(range));
  }

  for (const text of [
    ...['', 'localhost', '10', '10/8', '010.0.0.1', '0x0a.0.0.1', '10.0.0.0/33', '10.0.0.0/-1'],
    ...['10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/8x', 'fe80::1%eth0', '::1/129', '*', '10.0.0.*'],
    '::ffff:10.0.0.0/104',
  ]) {
    it(`refuses "${text}"`, () => expect(normalRange(text)).to.equal(undefined));
  }
});

describe('a list of allowed addresses', () => {
  const RANGES = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'];

  it('lets all in when it is empty', () => {
    for (const address of ['192.0.2.1', '::1', 'unknown', '', undefined]) {
      expect(isAllowedAddress([], address), String(address)).to.equal(true);
    }
  });

  it('lets in what one of its ranges covers', () => {
    for (const address of ['10.255.0.1', '2001:db8:1::1', '192.0.2.7', '::ffff:10.0.0.1']) {
      expect(isAllowedAddress(RANGES, address), address).to.equal(true);
    }
  });

  it('lets in nothing else, and nobody without an address', () => {
    for (const address of ['11.0.0.1', '2001:db9::1', '192.0.2.8', 'unknown', '', undefined]) {
      expect(isAllowedAddress(RANGES, address), String(address)).to.equal(false);
    }
  });

  it('is closed, not open, where it holds no range at all', () => {
    expect(isAllowedAddress(['nonsense'], '10.0.0.1')).to.equal(false);
    expect(isAllowedAddress(['0.0.0.0/0'], '::1')).to.equal(false);
  });
});
