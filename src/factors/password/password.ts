// E-mail and password: the method that finds out who it is.
import { join } from 'node:path';
import { z } from 'zod';
import type { Accounts } from '../../domain/accounts/accounts.ts';
import { normalizedEmail } from '../../domain/accounts/emails.ts';
import type { Hashing, Verified } from '../../domain/passwords/hashing.ts';
import type { PasswordPolicy } from '../../domain/passwords/policy.ts';
import { randomId } from '../../lib/ids.ts';
import { withRequest } from '../../lib/request-context.ts';
import { PROJECT_ROOT } from '../../lib/root.ts';
import type { Account } from '../../store/accounts.ts';
import {
  type Factor,
  type PasswordFinding,
  type Rejection,
  rejected,
  type Verdict,
} from '../factor.ts';
import { type Stopwatch, withMinimumDuration } from './minimum-duration.ts';

const input = z.object({
  email: z.string().trim().min(1, 'sign-in.email-missing').max(320, 'sign-in.email-too-long'),
  password: z.string().min(1, 'sign-in.password-missing'),
});

export type PasswordInput = z.infer<typeof input>;

export interface PasswordNeeds {
  readonly config: { readonly refusal_min_ms: number };
  readonly accounts: Accounts;
  readonly hashing: Hashing;
  readonly passwords: PasswordPolicy;
  /** The real one when left out. */
  readonly time?: Stopwatch;
}

export function createPasswordFactor(needs: PasswordNeeds): Factor<PasswordInput> {
  const { accounts, hashing, config, time } = needs;
  // Verified in the place of a hash that is not there, so that unknown names take as long.
  let decoy: Promise<string> | undefined;
  const decoyHash = () => {
    // In nobody's name: whoever asks first, everybody waits for it.
    decoy ??= withRequest({ isKnown: true }, () => hashing.hash(randomId(256))).catch(
      (error: unknown) => {
        decoy = undefined;
        throw error;
      },
    );
    return decoy;
  };

  const verify = async ({ email, password }: PasswordInput, at: number): Promise<Verdict> => {
    const account = await accounts.findByEmail(email);
    // Awaited for everybody: who waits a moment longer stands behind the others in the queue.
    const decoy = await decoyHash();
    const hash = account?.passwordHash ?? decoy;
    const verified = await hashing.verify(hash, password);
    if (!account) return rejected('unknown account');
    if (!account.passwordHash) return rejected('account without a password');
    if (verified === 'wrong') return rejected('wrong password');
    if (account.status !== 'active') return closed(account.status);
    const finding = await look({ account, password, verified, at }, needs);
    return { kind: 'proved', account, spend: [], finding };
  };

  return {
    name: 'password',
    step: 'sign-in',
    proves: 'knowledge',
    amr: ['pwd'],
    input,
    page: {
      view: join(PROJECT_ROOT, 'views/factors/password.ejs'),
      title: 'sign-in.title',
      button: 'sign-in.submit',
      link: 'sign-in.title',
      texts: 'sign-in',
      scripts: ['password.js'],
      canReset: true,
    },
    isEnrolled: async (id) => (await accounts.find(id))?.passwordHash !== undefined,
    identify: ({ email }) => normalizedEmail(email),
    verify: ({ input: typed, at }) =>
      withMinimumDuration(config.refusal_min_ms, () => verify(typed, at), time),
  };
}

function closed(status: string): Rejection {
  const refusal = rejected(`account ${status}`);
  return status === 'suspended' ? { ...refusal, closed: status } : refusal;
}

interface RightPassword {
  readonly account: Account;
  readonly password: string;
  readonly verified: Verified;
  readonly at: number;
}

async function look(
  { account, password, verified, at }: RightPassword,
  { passwords, hashing }: PasswordNeeds,
): Promise<PasswordFinding> {
  const { unmet, meets = 0 } = passwords.reviewStored(password, account, at);
  const isNews = meets > (account.knownPolicyVersion ?? 0);
  // A hash that cannot be made now is made at another sign-in; one that gives way is not made.
  const rehash =
    verified === 'outdated' && !unmet
      ? await hashing.hash(password).catch(() => undefined)
      : undefined;
  return { unmet, learned: isNews ? meets : undefined, rehash };
}
