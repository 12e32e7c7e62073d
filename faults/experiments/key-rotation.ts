// Keys change while people sign in, and relying parties keep the JWKS that they know.
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose';
import { runCommand } from '../../test/support/processes.ts';
import type { Bench, Experiment } from '../experiment.ts';
import { createPerson, signIn } from '../people.ts';
import type { Site } from '../site.ts';

export const keyRotation: Experiment = {
  name: 'key-rotation',
  title: 'keys rotated with sign-ins in flight; relying parties that cache the JWKS for 5 minutes',
  stores: ['sqlite', 'postgres'],
  takes: '30 s',
  run: async (bench) => {
    const site = await bench.open();
    const rounds = bench.rounds(2);
    let verified = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const all = flows(bench, site, 12);
      const { code } = await runCommand(['keys', 'rotate'], { database: site.database });
      if (code !== 0) bench.journal.breaks(`keys rotate ended with ${code}`);
      verified += await verify(bench, site, await all);
      // Up to the moment before the new keys sign, then past it.
      for (const step of ['12m', '4m', '62m', '5m']) {
        const cached = await jwks(site);
        await site.advance(step);
        if (step === '4m')
          verified += await verify(bench, site, await flows(bench, site, 12), cached);
        else verified += await verify(bench, site, await flows(bench, site, 6));
      }
      bench.say(`round ${round} of ${rounds}: ${verified} tokens verified`);
    }
    return { rotations: rounds, verified };
  },
};

async function flows({ journal }: Bench, site: Site, count: number): Promise<string[]> {
  const tokens = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const person = await createPerson(site);
      const { answer } = await signIn({ journal, site }, person, index);
      return String(answer?.body.id_token);
    }),
  );
  return tokens;
}

async function jwks({ url }: Site) {
  const answer = await fetch(`${url}/jwks`);
  return createLocalJWKSet((await answer.json()) as Parameters<typeof createLocalJWKSet>[0]);
}

/** @param cached the keys that a relying party has kept */
async function verify(
  { journal }: Bench,
  site: Site,
  tokens: readonly string[],
  cached?: Awaited<ReturnType<typeof jwks>>,
): Promise<number> {
  const keys = cached ?? createRemoteJWKSet(new URL(`${site.url}/jwks`));
  let verified = 0;
  for (const token of tokens) {
    try {
      await jwtVerify(token, keys, { issuer: site.url, clockTolerance: 3600 });
      verified += 1;
    } catch (error) {
      journal.breaks(`key rotation: a token is not verified: ${error}`);
    }
  }
  return verified;
}
