// E-mail and password: the method that finds out who it is.
import { join } from 'node:path';
import { z } from 'zod';
import type { AccountsDomain } from '../../domain/accounts.ts';
import { emailKey } from '../../domain/emails.ts';
import type { Hashing } from '../../domain/hashing.ts';
import { randomId } from '../../lib/ids.ts';
import { PROJECT_ROOT } from '../../lib/root.ts';
import { type Method, refused, type Verdict } from '../method.ts';

const input = z.object({
  email: z.string().trim().min(1, 'sign-in.email-missing').max(320, 'sign-in.email-too-long'),
  password: z.string().min(1, 'sign-in.password-missing').max(1024, 'sign-in.password-too-long'),
});

export type PasswordInput = z.infer<typeof input>;

export interface PasswordNeeds {
  readonly accounts: AccountsDomain;
  readonly hashing: Hashing;
}

export function createPasswordMethod({ accounts, hashing }: PasswordNeeds): Method<PasswordInput> {
  // Verified in the place of a hash that is not there, so that unknown names take as long.
  let decoy: Promise<string> | undefined;
  const decoyHash = () => {
    decoy ??= hashing.hash(randomId(256)).catch((error: unknown) => {
      decoy = undefined;
      throw error;
    });
    return decoy;
  };

  const verify = async (email: string, password: string): Promise<Verdict> => {
    const account = await accounts.findByEmail(email);
    const hash = account?.passwordHash ?? (await decoyHash());
    const right = await hashing.verify(hash, password);
    if (!account) return refused('unknown account');
    if (!account.passwordHash) return refused('account without a password');
    if (!right) return refused('wrong password');
    if (account.status !== 'active') return refused(`account ${account.status}`);
    return { kind: 'proved', account, spend: [] };
  };

  return {
    name: 'password',
    step: 'sign-in',
    factor: 'knowledge',
    amr: ['pwd'],
    input,
    page: {
      view: join(PROJECT_ROOT, 'views/steps/sign-in.ejs'),
      title: 'sign-in.title',
      button: 'sign-in.submit',
      link: 'sign-in.title',
    },
    isEnrolled: async (id) => (await accounts.find(id))?.passwordHash !== undefined,
    identify: ({ email }) => emailKey(email),
    verify: (attempt) => verify(attempt.input.email, attempt.input.password),
  };
}
