// Time-based codes of an authenticator app (RFC 6238).
import { join } from 'node:path';
import { z } from 'zod';
import type { AuthenticatorsDomain } from '../../domain/authenticators.ts';
import { now } from '../../lib/clock.ts';
import { PROJECT_ROOT } from '../../lib/root.ts';
import type { Account } from '../../store/accounts.ts';
import type { Authenticator } from '../../store/authenticators.ts';
import { type Credentials, type Method, type Refusal, refused, type Verdict } from '../method.ts';
import { readCode } from './codes.ts';
import { createTotpEnrolment, type TotpEnrolmentNeeds } from './enrolment.ts';
import { burntUntil, judgeCode } from './verdicts.ts';

// What is no code is a wrong one: it is counted like any other.
const input = z.object({ code: z.string().min(1, 'totp.missing') });

export type TotpInput = z.infer<typeof input>;

export type TotpNeeds = TotpEnrolmentNeeds;

/** Each is shown to the person by name, so they must stay few. */
export const AUTHENTICATORS_AT_MOST = 5;

export function createTotpMethod(needs: TotpNeeds): Method<TotpInput> {
  const { authenticators } = needs;
  return {
    name: 'totp',
    step: 'second-factor',
    factor: 'possession',
    amr: ['otp'],
    input,
    member: 'totp_code',
    page: {
      view: join(PROJECT_ROOT, 'views/methods/totp.ejs'),
      title: 'totp.title',
      button: 'totp.submit',
      link: 'totp.link',
      texts: 'totp',
    },
    canTrust: true,
    isEnrolled: async (accountId) => (await authenticators.count(accountId)) > 0,
    verify: async ({ account, input: typed, at }) => {
      const code = readCode(typed.code);
      if (!account || code === undefined) return refused('not six digits');
      return verify(account, code, at, needs);
    },
    enrolment: createTotpEnrolment(needs),
    credentials: credentialsOf(authenticators),
  };
}

async function verify(
  account: Account,
  code: string,
  at: number,
  { authenticators }: TotpNeeds,
): Promise<Verdict> {
  let near: Refusal | undefined;
  for (const each of await authenticators.ofAccount(account.id)) {
    const found = judgeCode(authenticators.secretOf(each), code, at);
    if (found.kind === 'fits') return spend(account, each, found.step, authenticators);
    if (found.kind === 'near') {
      const burn = [authenticators.burn(each.id, found.step, burntUntil(found.step))];
      near ??= { kind: 'refused', reason: 'code of another time', hint: found.hint, burn };
    }
  }
  return near ?? refused('wrong code');
}

function spend(
  account: Account,
  { id, lastStep }: Authenticator,
  step: number,
  authenticators: AuthenticatorsDomain,
): Verdict {
  if (step <= lastStep) return refused('code used before');
  return { kind: 'proved', account, spend: [authenticators.spend(id, step, now())] };
}

function credentialsOf(authenticators: AuthenticatorsDomain): Credentials {
  return {
    atMost: AUTHENTICATORS_AT_MOST,
    list: authenticators.ofAccount,
    rename: authenticators.rename,
    remove: (accountId, id) => [authenticators.delete(accountId, id)],
    removeAll: (accountId) => [authenticators.deleteOf(accountId)],
  };
}
