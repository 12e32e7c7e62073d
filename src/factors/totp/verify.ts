// A code against the authenticators of an account: of a person, or of a service account.

import { now } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { readSixDigits } from '../../lib/typed-codes.ts';
import type { Unit } from '../../store/statement.ts';
import { type Rejection, rejected } from '../factor.ts';
import type { Authenticators } from './authenticators.ts';
import type { Authenticator } from './table.ts';
import { burntUntil, matchCode } from './verdicts.ts';

export const TOTP = 'totp';

export type CodeVerdict =
  | {
      readonly kind: 'fits';
      /** What spends the code. Must hit: it joins the unit that counts it. */
      readonly spend: Unit;
    }
  | Rejection;

/** @param at milliseconds */
export type VerifyCode = (accountId: string, typed: string, at: number) => Promise<CodeVerdict>;

/** An authenticator that cannot be opened fits no code, and stands in the way of no other. */
export function createVerifyCode(authenticators: Authenticators, log: Log): VerifyCode {
  return async (accountId, typed, at) => {
    const code = readSixDigits(typed);
    if (code === undefined) return rejected('not six digits');
    let near: Rejection | undefined;
    for (const each of await authenticators.ofAccount(accountId)) {
      const secret = authenticators.findSecret(each);
      if (secret === undefined) {
        log.error({ authenticator: each.id, account: accountId }, 'an authenticator is damaged');
        continue;
      }
      const found = matchCode(secret, code, at);
      if (found.kind === 'fits') return spend(each, found.step, authenticators);
      if (found.kind === 'near') {
        const burn = [authenticators.burn(each.id, found.step, burntUntil(found.step))];
        near ??= { kind: 'refused', reason: 'code of another time', hint: found.hint, burn };
      }
    }
    return near ?? rejected('wrong code');
  };
}

function spend(
  { id, lastStep }: Authenticator,
  step: number,
  authenticators: Authenticators,
): CodeVerdict {
  if (step <= lastStep) return rejected('code used before');
  return { kind: 'fits', spend: [authenticators.spend(id, step, now())] };
}
