// The steps over every combination of facts, and the end that asks again.
import { expect } from 'chai';
import { ACR, assuranceOf, type Proof } from '../../src/domain/assurance.ts';
import { createLog } from '../../src/lib/log.ts';
import { createFinish, type Door } from '../../src/signin/finish.ts';
import type { Facts, Flow } from '../../src/signin/flow.ts';
import { dueStep, progressOf } from '../../src/signin/steps/index.ts';

const password: Proof = { method: 'password', factor: 'knowledge', amr: ['pwd'], at: 1_000 };
const factor: Proof = { method: 'any', factor: 'possession', amr: ['otp'], at: 2_000 };

const factsOf = (proofs: readonly Proof[], enrolled: string[]): Facts => ({
  v: 1,
  proofs: proofs.map((proof) => ({ ...proof, amr: [...proof.amr] })),
  enrolled,
  wanted: { kind: 'anything' },
});

describe('the steps', () => {
  const table: ReadonlyArray<
    readonly [proofs: Proof[], enrolled: string[], due: string | undefined]
  > = [
    [[], [], 'sign-in'],
    [[], ['any'], 'sign-in'],
    [[factor], [], 'sign-in'],
    [[factor], ['any'], 'sign-in'],
    [[password], [], undefined],
    [[password], ['any'], 'second-factor'],
    [[password, factor], [], undefined],
    [[password, factor], ['any'], undefined],
  ];
  for (const [proofs, enrolled, due] of table) {
    const given = `proved ${proofs.map(({ method }) => method).join('+') || 'nothing'}, has ${enrolled.length}`;
    it(`${given}: ${due ?? 'the end'}`, () => {
      expect(dueStep(factsOf(proofs, enrolled))?.name).to.equal(due);
    });
  }

  it('say where one is', () => {
    expect(progressOf(factsOf([], []))).to.deep.equal({ step: 1, of: 1 });
    expect(progressOf(factsOf([password], ['any']))).to.deep.equal({ step: 2, of: 2 });
  });
});

describe('assurance', () => {
  it('comes from proofs alone', () => {
    expect(assuranceOf([password])).to.deep.equal({
      acr: ACR.password,
      amr: ['pwd'],
      authTime: 1_000,
    });
    const both = assuranceOf([password, factor]);
    expect(both).to.deep.equal({ acr: ACR.mfa, amr: ['pwd', 'otp', 'mfa'], authTime: 2_000 });
  });
});

describe('finish', () => {
  it('asks again whether a step is due, whoever calls it', async () => {
    const untouched = () => {
      throw new Error('nothing may be written');
    };
    const finish = createFinish({
      store: { commit: untouched } as never,
      accounts: {} as never,
      flows: { end: untouched } as never,
      sessions: {} as never,
      limits: {} as never,
      log: createLog('silent'),
    });
    const visitor = { address: '192.0.2.1', userAgent: '', browser: undefined };
    const door: Door = { session: undefined, visitor, signedIn: untouched, refused: untouched };
    const row = { accountId: 'usr_1', generation: 1 };
    for (const facts of [factsOf([], []), factsOf([password], ['any']), factsOf([factor], [])]) {
      const flow = { row, facts } as unknown as Flow;
      expect(await finish(flow, door)).to.deep.equal({ kind: 'step-due' });
    }
  });
});
