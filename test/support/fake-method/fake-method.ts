// A second factor that only tests have: adding a method is one folder and one line.
import { join } from 'node:path';
import { z } from 'zod';
import type { House, Options } from '../../../src/app.ts';
import { createMethods, type Method } from '../../../src/methods/index.ts';
import { refused } from '../../../src/methods/method.ts';

export const RIGHT_WORD = 'open-sesame';

export interface FakeFactor {
  /** Accounts that have it. */
  readonly enrolled: Set<string>;
  readonly methods: NonNullable<Options['methods']>;
  /** With backup codes, as whoever has a second factor. */
  enrol(gatehouse: { readonly house: House }, account: { readonly id: string }): Promise<void>;
}

const input = z.object({ word: z.string().min(1) });

export function createFakeFactor(): FakeFactor {
  const enrolled = new Set<string>();
  const method: Method<z.infer<typeof input>> = {
    name: 'fake',
    step: 'second-factor',
    factor: 'possession',
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
      if (!account || word !== RIGHT_WORD) return refused('wrong word');
      return { kind: 'proved', account, spend: [] };
    },
  };
  const enrol: FakeFactor['enrol'] = async ({ house }, { id }) => {
    enrolled.add(id);
    await house.store.write(...house.backupCodes.renew(id, 'a test'));
  };
  return { enrolled, enrol, methods: (needs) => [...createMethods(needs), method as Method] };
}
