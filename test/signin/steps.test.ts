// The steps over every combination of facts, and the end that asks again.
import { expect } from 'chai';
import { ACR, assuranceOf, type Proof } from '../../src/domain/assurance.ts';
import { createLog } from '../../src/lib/log.ts';
import { createFinish, type Door } from '../../src/signin/finish.ts';
import type { Facts, Flow } from '../../src/signin/flow.ts';
import { dueStep, progressOf } from '../../src/signin/steps/index.ts';

const password: Proof = { method: 'password', factor: 'knowledge', amr: ['pwd'], at: 1_000 };
const factor: Proof = { method: 'any', factor: 'possession', amr: ['otp'], at: 2_000 };

type PasswordFacts = NonNullable<Facts['password']>;

/** What may be known of the password that was proved. */
const PASSWORDS: Readonly<Record<string, PasswordFacts | undefined>> = {
  'not looked at': undefined,
  'good enough': { unmet: false, staged: 'nothing', candidates: 0 },
  'hashed anew': { unmet: false, staged: 'rehash', candidates: 0, learned: 1 },
  'below the policy': { unmet: true, staged: 'nothing', candidates: 0 },
  'below the policy, tried': { unmet: true, staged: 'nothing', candidates: 20 },
  'below the policy, and hashed anew': { unmet: true, staged: 'rehash', candidates: 0 },
  'to be replaced': { unmet: true, staged: 'new', candidates: 1, learned: 1 },
};

const factsOf = (
  proofs: readonly Proof[],
  enrolled: string[],
  known?: PasswordFacts | undefined,
): Facts => ({
  v: 1,
  proofs: proofs.map((proof) => ({ ...proof, amr: [...proof.amr] })),
  enrolled,
  ...(known ? { password: known } : {}),
  wanted: { kind: 'anything' },
});

/** The rule in words: who it is, then a password that is good enough, then the second factor. */
function expectedStep(proofs: readonly Proof[], enrolled: readonly string[], known: string) {
  if (!proofs.includes(password)) return 'sign-in';
  if (known.startsWith('below')) return 'new-password';
  return enrolled.length > 0 && !proofs.includes(factor) ? 'second-factor' : undefined;
}

describe('the steps', () => {
  for (const proofs of [[], [factor], [password], [password, factor]]) {
    for (const enrolled of [[], ['any'], ['any', 'other']]) {
      for (const [known, facts] of Object.entries(PASSWORDS)) {
        // Nothing is known of a password that was not proved.
        if (facts && !proofs.includes(password)) continue;
        const due = expectedStep(proofs, enrolled, known);
        const proved = proofs.map(({ method }) => method).join('+') || 'nothing';
        it(`proved ${proved}, has ${enrolled.length}, ${known}: ${due ?? 'the end'}`, () => {
          expect(dueStep(factsOf(proofs, enrolled, facts))?.name).to.equal(due);
        });
      }
    }
  }

  it('say where one is', () => {
    expect(progressOf(factsOf([], []))).to.deep.equal({ step: 1, of: 1 });
    expect(progressOf(factsOf([password], ['any']))).to.deep.equal({ step: 2, of: 2 });
    const below = PASSWORDS['below the policy'];
    const replaced = PASSWORDS['to be replaced'];
    expect(progressOf(factsOf([password], [], below))).to.deep.equal({ step: 2, of: 2 });
    expect(progressOf(factsOf([password], ['any'], below))).to.deep.equal({ step: 2, of: 3 });
    expect(progressOf(factsOf([password], ['any'], replaced))).to.deep.equal({ step: 3, of: 3 });
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
    const due = [
      factsOf([], []),
      factsOf([password], ['any']),
      factsOf([factor], []),
      factsOf([password], [], PASSWORDS['below the policy']),
      factsOf([password, factor], ['any'], PASSWORDS['below the policy']),
    ];
    for (const facts of due) {
      const flow = { row, facts } as unknown as Flow;
      expect(await finish(flow, door)).to.deep.equal({ kind: 'step-due' });
    }
  });
});
