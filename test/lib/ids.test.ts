// Identifiers: long enough, of the right alphabet, never twice.
import { expect } from 'chai';
import fc from 'fast-check';
import { accountId, clientId, randomId, traceCode } from '../../src/lib/ids.ts';

const many = <T>(make: () => T): T[] => Array.from({ length: 2000 }, make);

describe('ids', () => {
  it('hold at least the entropy that was asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1024 }), (bits) => {
        const id = randomId(bits);
        expect(id).to.match(/^[\w-]+$/);
        expect(Buffer.from(id, 'base64url').length * 8).to.be.within(bits, bits + 7);
      }),
    );
    expect(Buffer.from(randomId(), 'base64url').length * 8).to.equal(128);
  });

  it('are never made twice', () => {
    for (const make of [randomId, accountId, clientId, traceCode]) {
      expect(new Set(many(() => make())).size).to.equal(2000);
    }
  });

  it('of people and of clients share no namespace', () => {
    for (const id of many(accountId)) expect(id).to.match(/^usr_[\w-]{22}$/);
    for (const id of many(clientId)) expect(id).to.match(/^app_[\w-]{22}$/);
  });

  it('that are read out have ten characters and no look-alikes', () => {
    const codes = many(traceCode);
    for (const code of codes) expect(code).to.match(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    // All of the alphabet, evenly enough that none is missing or twice as likely.
    const counts = new Map<string, number>();
    for (const letter of codes.join('')) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).to.equal(32);
    for (const count of counts.values()) expect(count).to.be.within(625 * 0.7, 625 * 1.3);
  });
});
