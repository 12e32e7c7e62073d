// A phone number, confirmed by the code that was texted to it.
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../lib/root.ts';
import { readSixDigits } from '../../lib/typed-codes.ts';
import {
  type Enrolment,
  type EnrolmentAttempt,
  type EnrolmentVerdict,
  rejected,
} from '../factor.ts';
import { type Phones, readPhoneNumber } from './phones.ts';

const phone = z.string().transform((typed, issues) => {
  const number = readPhoneNumber(typed);
  if (number !== undefined) return number;
  issues.addIssue({ code: 'custom', message: 'add-phone.wrong-number' });
  return z.NEVER;
});

const start = z.object({ phone });
const input = z.object({ phone, code: z.string().min(1, 'sms.missing') });

type Start = z.infer<typeof start>;
type Input = z.infer<typeof input>;

const view = (name: string) => join(PROJECT_ROOT, 'views/factors', name);

export function createSmsEnrolment(phones: Phones): Enrolment {
  return {
    page: {
      offer: view('sms-number.ejs'),
      confirm: view('sms-confirm.ejs'),
      texts: 'add-phone',
    },
    isOffered: async () => phones.isOffered,
    start: {
      input: start,
      addressee: ({ phone: number }: Start) => number,
      send: ({ id }, { phone: number }: Start) => phones.sendCode(id, number),
      keep: ({ phone: number }: Start) => ({ phone: number }),
    },
    input,
    isGuessable: true,
    findFlaw: ({ code }: Input) =>
      readSixDigits(code) === undefined ? 'sms.malformed' : undefined,
    offer: async () => ({}),
    confirm: (attempt: EnrolmentAttempt<Input>) => confirm(attempt, phones),
  } as Enrolment;
}

async function confirm(
  { account: { id }, input: { phone: number, code: typed } }: EnrolmentAttempt<Input>,
  phones: Phones,
): Promise<EnrolmentVerdict> {
  const code = readSixDigits(typed);
  const spend = code === undefined ? undefined : await phones.findCode(id, number, code);
  if (!spend) return rejected('not the code that was sent');
  const unit = [spend, phones.add(id, number)];
  return { kind: 'confirmed', unit, label: `•••${number.slice(-2)}` };
}
