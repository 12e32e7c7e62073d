// Identifiers: long enough, of the right alphabet, never twice.
import { expect } from 'chai';
import fc from 'fast-check';
import {
  accountId,
  clientId,
  parseTraceCode,
  randomId,
  timeOrderedId,
  traceCode,
} from '../../src/lib/ids.ts';

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

  it('that are read out are read in, however they were written down', () => {
    for (const code of many(traceCode)) expect(parseTraceCode(code)).to.equal(code);
    expect(parseTraceCode(' yj3m83zgeo\n')).to.equal('YJ3M83ZGE0');
    expect(parseTraceCode('ILIL000000')).to.equal('1111000000');
    for (const text of [
      '',
      'YJ3M83ZGE',
      'YJ3M83ZGE00',
      'YJ3M83ZGEU',
      'a@b.example',
      'usr_123456',
    ]) {
      expect(parseTraceCode(text), text).to.equal(undefined);
    }
  });

  it('that are ordered by time sort as they were made', () => {
    const times = [0, 1, 31, 32, 1_767_225_600_000, 1_767_225_600_001, 4_102_444_800_000];
    const ids = times.flatMap((at) => Array.from({ length: 100 }, () => timeOrderedId(at)));
    expect([...ids].sort()).to.deep.equal(ids);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const id of ids) expect(id).to.match(/^[0-9A-HJKMNP-TV-Z]{24}$/);
  });
});
