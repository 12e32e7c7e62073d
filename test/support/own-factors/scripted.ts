// A second factor that wants a script: the page holds a challenge, and the answer is made from it.
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { type Enrolment, type Factor, rejected } from '../../../src/factors/factor.ts';

export interface Scripted {
  readonly factor: Factor;
  /** Account → its key. */
  readonly keys: Map<string, string>;
}

export const answerTo = (challenge: string, key: string): string =>
  createHmac('sha256', key).update(challenge).digest('hex');

const input = z.object({ code: z.string() });
const enrolling = z.object({ code: z.string(), key: z.string() });
const view = (name: string) => join(import.meta.dirname, name);

export function createScripted(): Scripted {
  const keys = new Map<string, string>();
  const challengeFor = (accountId: string, context: string) => `${accountId} ${context}`;
  const enrolment = {
    page: {
      offer: view('scripted-offer.ejs'),
      confirm: view('scripted-fields.ejs'),
      scripts: ['copy.js'],
      texts: 'enrol-totp',
    },
    input: enrolling,
    offer: async ({ id }, context) => ({ challenge: challengeFor(id, context) }),
    confirm: async ({ account: { id }, input: { code: answer, key }, context }) => {
      if (answer !== answerTo(challengeFor(id, context), key)) return rejected('wrong answer');
      keys.set(id, key);
      return { kind: 'confirmed', unit: [], label: 'Security key' };
    },
  } satisfies Enrolment<z.infer<typeof enrolling>>;
  const factor = {
    name: 'scripted',
    step: 'second-factor',
    proves: 'possession',
    amr: ['hwk'],
    input,
    member: 'scripted_answer',
    page: {
      view: view('scripted-fields.ejs'),
      title: 'second-factor.title',
      button: 'second-factor.submit',
      link: 'second-factor.title',
      texts: 'totp',
      scripts: ['copy.js'],
    },
    isEnrolled: async (accountId) => keys.has(accountId),
    challenge: { offer: async ({ id }, context) => ({ challenge: challengeFor(id, context) }) },
    verify: async ({ account, input: { code: answer }, context }) => {
      const key = account && keys.get(account.id);
      if (!account || !key) return rejected('not enrolled');
      if (answer !== answerTo(challengeFor(account.id, context), key)) {
        return rejected('wrong answer');
      }
      return { kind: 'proved', account, spend: [] };
    },
    enrolment: enrolment as Enrolment,
    credentials: {
      atMost: 1,
      list: async (accountId) =>
        keys.has(accountId)
          ? [{ id: 'key', name: 'Security key', usedAt: undefined, createdAt: 0 }]
          : [],
      remove: (accountId) => {
        keys.delete(accountId);
        return [];
      },
      removeAll: () => [],
    },
  } satisfies Factor<z.infer<typeof input>>;
  return { factor: factor as Factor, keys };
}
