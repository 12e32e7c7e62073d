// Bursts of guesses on both nodes, one of which is killed in the middle: never more than the limit.
import { setTimeout as sleep } from 'node:timers/promises';
import { createEnrolledPerson } from '../../test/support/enrolled-person.ts';
import { PASSWORD } from '../../test/support/relying-party.ts';
import type { Bench, Experiment } from '../experiment.ts';
import { evaluated } from '../invariants.ts';
import { BELIEVING, createPerson } from '../people.ts';
import type { Site } from '../site.ts';

const GUESSES = 60;
const PASSWORDS = 5;
const CODES = 10;

export const bursts: Experiment = {
  name: 'bursts',
  title: 'sixty wrong passwords, and sixty wrong codes, at once, with kill -9 in the middle',
  stores: ['sqlite', 'postgres'],
  takes: '25 s',
  run: async (bench) => {
    const site = await bench.open({ config: { mfa: { required: true } }, env: BELIEVING });
    const rounds = bench.rounds(3);
    let passwords = 0;
    let codes = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const person = await createPerson(site);
      passwords = Math.max(
        passwords,
        await burst(bench, site, `guess-password-${round}`, PASSWORDS, () => ({
          email: person.email,
          password: `Wrong-Guess-${bench.random.below(1e9)}`,
        })),
      );
      const { email } = await createEnrolledPerson(site, site.party);
      const guess = () => ({
        ...{ email, password: PASSWORD },
        totp_code: String(bench.random.between(100_000, 999_999)),
      });
      codes = Math.max(codes, await burst(bench, site, `guess-code-${round}`, CODES, guess));
      bench.say(`round ${round} of ${rounds}`);
    }
    return { rounds, guesses: GUESSES, 'passwords evaluated': passwords, 'codes evaluated': codes };
  },
};

/** @returns how many were evaluated, as the answers have it */
async function burst(
  { journal, random }: Bench,
  site: Site,
  act: string,
  limit: number,
  guess: () => object,
): Promise<number> {
  const address = `10.${random.between(1, 250)}.${random.between(1, 250)}.9`;
  const all = Array.from({ length: GUESSES }, (_, index) =>
    journal.run(
      { act, subject: act },
      () =>
        site.application.post('login', guess(), {
          at: site.at(index),
          headers: { 'x-forwarded-for': address },
        }),
      ({ status, body }) => {
        if (status >= 500) return 'unknown';
        // Evaluated and wrong: told so, and how many are left.
        return status === 401 && /^invalid_(credentials|mfa_code)$/.test(String(body.error))
          ? 'done'
          : 'refused';
      },
    ),
  );
  await sleep(random.between(50, 400));
  await site.kill(1);
  await Promise.all(all);
  await site.start(1);
  const count = evaluated(journal.entries, act);
  if (count > limit) journal.breaks(`invariant 6: ${act}: ${count} of ${limit} evaluated`);
  return count;
}
