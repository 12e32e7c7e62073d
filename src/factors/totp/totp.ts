// Time-based codes of an authenticator app (RFC 6238).
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../../lib/log.ts';
import { PROJECT_ROOT } from '../../lib/root.ts';
import { type EnrolledFactors, type Factor, rejected } from '../factor.ts';
import type { Authenticators } from './authenticators.ts';
import { createTotpEnrolment, findFlaw, type TotpEnrolmentNeeds } from './enrolment.ts';
import { createVerifyCode, TOTP } from './verify.ts';

const input = z.object({ code: z.string().min(1, 'totp.missing') });

export type TotpInput = z.infer<typeof input>;

export interface TotpNeeds extends TotpEnrolmentNeeds {
  readonly log: Log;
}

/** Each is shown to the person by name, so they must stay few. */
export const AUTHENTICATORS_AT_MOST = 5;

export function createTotpFactor(needs: TotpNeeds): Factor<TotpInput> {
  const { authenticators } = needs;
  const verifyCode = createVerifyCode(authenticators, needs.log);
  return {
    name: TOTP,
    step: 'second-factor',
    proves: 'possession',
    amr: ['otp'],
    input,
    member: 'totp_code',
    findFlaw,
    page: {
      view: join(PROJECT_ROOT, 'views/factors/totp.ejs'),
      title: 'totp.title',
      button: 'totp.submit',
      link: 'totp.link',
      texts: 'totp',
    },
    canTrust: true,
    isEnrolled: async (accountId) => (await authenticators.count(accountId)) > 0,
    verify: async ({ account, input: typed, at }) => {
      if (!account) return rejected('not six digits');
      const verdict = await verifyCode(account.id, typed.code, at);
      return verdict.kind === 'fits' ? { ...verdict, kind: 'proved', account } : verdict;
    },
    enrolment: createTotpEnrolment(needs),
    credentials: credentialsOf(authenticators),
  };
}

function credentialsOf(authenticators: Authenticators): EnrolledFactors {
  return {
    atMost: AUTHENTICATORS_AT_MOST,
    list: async (accountId) =>
      (await authenticators.ofAccount(accountId)).map((each) => ({
        ...each,
        isDamaged: authenticators.findSecret(each) === undefined,
      })),
    rename: authenticators.rename,
    remove: (accountId, id) => [authenticators.delete(accountId, id)],
    removeAll: (accountId) => [authenticators.deleteOf(accountId)],
  };
}
