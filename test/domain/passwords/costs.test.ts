// What is measured of the stored hashes: however many costs there are, one of each form.
import { expect } from 'chai';
import { measureHashes } from '../../../src/domain/passwords/costs.ts';

const digest = (iterations: number) =>
  JSON.stringify({ algorithm: 'md5', hash: 'ab'.repeat(16), iterations });

async function* stored() {
  for (let at = 0; at < 300; at += 1) yield digest(((at * 7) % 300) + 1);
  yield '$P$7abcdefghABCDEFGHIJKLMNOPQRSTUV';
  yield undefined;
  yield 'unreadable';
}

describe('the cost of stored hashes', () => {
  it('is that of the costliest of each form', async () => {
    const costs = await measureHashes(stored());
    expect(costs.map(({ kind }) => kind)).to.deep.equal(['described digest md5,300', 'phpass 2^9']);
  });
});
