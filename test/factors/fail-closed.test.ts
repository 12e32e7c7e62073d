// A look at a secret that took so long that others were let in for it says nothing, right or wrong.
import { expect } from 'chai';
import { rejected } from '../../src/factors/factor.ts';
import { failClosed } from '../../src/factors/fail-closed.ts';
import { createLog } from '../../src/lib/log.ts';

describe('a look that is overdue', () => {
  for (const [name, look] of [
    ['a refusal', async () => rejected('wrong')],
    ['a proof', async () => ({ kind: 'proved' })],
    ['an error of the verifier', () => Promise.reject(new Error('broken'))],
  ] as const) {
    it(`says nothing: ${name}`, async () => {
      const settlings: string[] = [];
      const settle = async () => {
        settlings.push('settled');
        return undefined as never;
      };
      const ticket = {
        kind: 'reserved' as const,
        consume: settle,
        succeed: settle,
        release: settle,
        claim: () => undefined as never,
        isOverdue: () => true,
      };
      const outcome = failClosed<object>(look, 'password', ticket, createLog('silent')).catch(
        ({ code }: { code: string }) => code,
      );
      expect(await outcome).to.equal('busy');
      expect(settlings).to.deep.equal([]);
    });
  }
});
