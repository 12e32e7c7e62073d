// Codes in text messages: weaker than an authenticator, and offered only where that is allowed.
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../lib/root.ts';
import { readSixDigits } from '../../lib/typed-codes.ts';
import { type Challenge, type EnrolledFactors, type Factor, rejected } from '../factor.ts';
import { createSmsEnrolment } from './enrolment.ts';
import type { Phones } from './phones.ts';

const input = z.object({ code: z.string().min(1, 'sms.missing') });

export type SmsInput = z.infer<typeof input>;

export interface SmsNeeds {
  readonly phones: Phones;
}

export function createSmsFactor({ phones }: SmsNeeds): Factor<SmsInput> {
  return {
    name: 'sms',
    step: 'second-factor',
    proves: 'possession',
    amr: ['sms'],
    input,
    member: 'sms_code',
    findFlaw: ({ code }) => (readSixDigits(code) === undefined ? 'sms.malformed' : undefined),
    page: {
      view: join(PROJECT_ROOT, 'views/factors/sms.ejs'),
      title: 'sms.title',
      button: 'sms.submit',
      link: 'sms.link',
      texts: 'sms',
    },
    canTrust: true,
    isEnrolled: async (accountId) =>
      phones.isOffered && (await phones.find(accountId)) !== undefined,
    verify: async ({ account, input: { code } }) => {
      const phone = account && (await phones.find(account.id));
      if (!account || !phone?.number || !phones.isOffered) return rejected('no phone number');
      const typed = readSixDigits(code);
      const spend = typed && (await phones.findCode(account.id, phone.number, typed));
      if (!spend) return rejected('not the code that was sent');
      return { kind: 'proved', account, spend: [spend, phones.touch(account.id)] };
    },
    challenge: challengeOf(phones),
    enrolment: createSmsEnrolment(phones),
    credentials: credentialsOf(phones),
  };
}

function challengeOf(phones: Phones): Challenge {
  const numberOf = async (accountId: string) => (await phones.find(accountId))?.number;
  return {
    offer: async ({ id }) => ({ number: (await numberOf(id))?.slice(-2) }),
    sending: {
      addressee: numberOf,
      send: async ({ id }) => {
        const number = await numberOf(id);
        return number === undefined ? [] : phones.sendCode(id, number);
      },
    },
  };
}

function credentialsOf(phones: Phones): EnrolledFactors {
  return {
    atMost: 1,
    list: async (accountId) => {
      const phone = await phones.find(accountId);
      if (!phone) return [];
      const { number, usedAt, createdAt } = phone;
      const name = `•••${number?.slice(-2) ?? ''}`;
      return [{ id: 'phone', name, usedAt, createdAt, isDamaged: number === undefined }];
    },
    remove: (accountId) => [phones.remove(accountId)],
    removeAll: (accountId) => [phones.removeAll(accountId)],
  };
}
