// Time-based codes of an authenticator app (RFC 6238).
import { join } from 'node:path';
import { z } from 'zod';
import { now } from '../../lib/clock.ts';
import { PROJECT_ROOT } from '../../lib/root.ts';
import type { Vault } from '../../lib/vault.ts';
import type { Account } from '../../store/accounts.ts';
import type { Authenticator, Authenticators } from '../../store/authenticators.ts';
import { type Credentials, type Method, type Refusal, refused, type Verdict } from '../method.ts';
import { readCode } from './codes.ts';
import { createTotpEnrolment } from './enrolment.ts';
import { secretContext } from './secret-context.ts';
import { burntUntil, judgeCode } from './verdicts.ts';

// What is no code is a wrong one: it is counted like any other.
const input = z.object({ code: z.string().min(1, 'totp.missing') });

export type TotpInput = z.infer<typeof input>;

export interface TotpNeeds {
  readonly product: string;
  readonly authenticators: Authenticators;
  readonly vault: Vault;
}

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
  { authenticators, vault }: TotpNeeds,
): Promise<Verdict> {
  let near: Refusal | undefined;
  for (const each of await authenticators.ofAccount(account.id)) {
    const found = judgeCode(openSecret(each, vault), code, at);
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
  authenticators: Authenticators,
): Verdict {
  if (step <= lastStep) return refused('code used before');
  return { kind: 'proved', account, spend: [authenticators.spend(id, step, now())] };
}

/** A row that cannot be opened was damaged or moved to another account: it fits no code. */
function openSecret({ accountId, secret }: Authenticator, vault: Vault): string {
  return vault.open(secret, secretContext(accountId));
}

function credentialsOf(authenticators: Authenticators): Credentials {
  return {
    atMost: AUTHENTICATORS_AT_MOST,
    list: authenticators.ofAccount,
    rename: authenticators.rename,
    remove: (accountId, id) => [authenticators.delete(accountId, id)],
    removeAll: (accountId) => [authenticators.deleteOf(accountId)],
  };
}
