// A second factor that only tests have: adding a method is one folder and one line.
import { join } from 'node:path';
import { z } from 'zod';
import type { Core, Options } from '../../../src/app.ts';
import { rejected } from '../../../src/factors/factor.ts';
import { createFactors, type Factor } from '../../../src/factors/index.ts';

export const RIGHT_WORD = 'open-sesame';

export interface FakeFactor {
  /** Accounts that have it. */
  readonly enrolled: Set<string>;
  readonly factors: NonNullable<Options['factors']>;
  /** With backup codes, as whoever has a second factor. */
  enrol(gatehouse: { readonly core: Core }, account: { readonly id: string }): Promise<void>;
}

const input = z.object({ word: z.string().min(1) });

export function createFakeFactor(): FakeFactor {
  const enrolled = new Set<string>();
  const factor: Factor<z.infer<typeof input>> = {
    name: 'fake',
    step: 'second-factor',
    proves: 'possession',
    amr: ['hwk'],
    input,
    page: {
      view: join(import.meta.dirname, 'fields.ejs'),
      title: 'second-factor.title',
      button: 'second-factor.submit',
      link: 'second-factor.title',
      texts: 'second-factor',
    },
    isEnrolled: async (accountId) => enrolled.has(accountId),
    verify: async ({ account, input: { word } }) => {
      if (word === 'explode') throw new Error('a verifier that breaks');
      if (!account || word !== RIGHT_WORD) return rejected('wrong word');
      return { kind: 'proved', account, spend: [] };
    },
  };
  const enrol: FakeFactor['enrol'] = async ({ core }, { id }) => {
    enrolled.add(id);
    await core.store.write(...core.recoveryCodes.renew(id, 'a test'));
  };
  return { enrolled, enrol, factors: (needs) => [...createFactors(needs), factor as Factor] };
}
