// The experiments of `npm run faults`: what judges them finds what is broken, and a short one holds.
import { expect } from 'chai';
import { runExperiment } from '../../faults/bench.ts';
import { killTokenIssue } from '../../faults/experiments/kill-token-issue.ts';
import { EXPERIMENTS } from '../../faults/experiments.ts';
import { findBroken } from '../../faults/invariants.ts';
import { type Answer, createJournal, type Intention } from '../../faults/journal.ts';
import { createRandom } from '../../faults/random.ts';

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (sub: string) => ({ id_token: `e30.${encoded({ sub })}.x` });

type Line = readonly [Intention, Partial<Answer>];

/** One after the other, as far apart as the clock can tell. */
async function brokenBy(...lines: readonly Line[]): Promise<string[]> {
  const journal = createJournal();
  for (const [intention, answer] of lines) {
    await journal.run(intention, async () => ({ status: 200, body: {}, ...answer }));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return findBroken(journal, []);
}

const code = { act: 'code', subject: 'c1', once: true };
const suspend = { act: 'suspend', subject: 'a', ends: ['account:a'] };
const use = { act: 'refresh', subject: 't1', needs: ['account:a'] };

describe('npm run faults', () => {
  const judged: ReadonlyArray<readonly [title: string, lines: readonly Line[], found: RegExp[]]> = [
    [
      'one use is fine, and refusals are',
      [
        [code, {}],
        [code, { status: 400 }],
      ],
      [],
    ],
    [
      'a second use is none',
      [
        [code, {}],
        [code, {}],
      ],
      [/^invariant 1: code c1/],
    ],
    [
      'a refresh token is replaced once',
      [
        [{ act: 'refresh', subject: 't', once: true }, { body: { refresh_token: 'x' } }],
        [{ act: 'refresh', subject: 't', once: true }, { body: { refresh_token: 'y' } }],
      ],
      [/^invariant 2: .* replaced twice/],
    ],
    [
      'nothing works after its end',
      [
        [suspend, {}],
        [use, {}],
      ],
      [/^invariant 5: refresh t1/],
    ],
    [
      'it may before, and when the end is not known',
      [
        [use, {}],
        [suspend, { status: 503, headers: new Headers({ 'retry-after': '1' }) }],
        [use, {}],
      ],
      [],
    ],
    [
      'it may again after a new beginning',
      [
        [suspend, {}],
        [{ act: 'activate', subject: 'a', begins: ['account:a'] }, {}],
        [use, {}],
      ],
      [],
    ],
    [
      'a token is of whoever signed in',
      [[{ act: 'sign-in', subject: 's', account: 'a' }, { body: tokenOf('b') }]],
      [/^invariant 7: sign-in of a brought a token of b/],
    ],
    ['a 500 is none of the answers', [[use, { status: 500 }]], [/^invariant 9: refresh .* 500/]],
    ['nor is a 503 without Retry-After', [[use, { status: 503 }]], [/^invariant 9/]],
  ];
  for (const [title, lines, found] of judged) {
    it(title, async () => {
      const broken = await brokenBy(...lines);
      expect(broken).to.have.length(found.length);
      for (const [at, pattern] of found.entries()) expect(broken[at]).to.match(pattern);
    });
  }

  it('the same seed draws the same', () => {
    const draw = () => {
      const random = createRandom(42);
      return Array.from({ length: 20 }, () => random.below(1000));
    };
    expect(draw()).to.deep.equal(draw());
  });

  it('no two experiments share a name', () => {
    const names = EXPERIMENTS.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('kill -9 during token issue loses nothing (one round)', async () => {
    const asked = { store: 'sqlite', seed: 1, minutes: 0.1, say: () => undefined } as const;
    const { broken, operations } = await runExperiment(killTokenIssue, asked);
    expect(broken).to.deep.equal([]);
    expect(operations).to.be.greaterThan(8);
  });
});
