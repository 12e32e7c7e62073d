// Codes on paper, for the day on which the authenticator is not at hand.
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../lib/root.ts';
import { type Factor, rejected } from '../factor.ts';
import type { RecoveryCodes } from '../recovery.ts';
import { NAME, readBackupCode } from './codes.ts';

const input = z.object({ code: z.string().min(1, 'backup-codes.missing') });

export type BackupCodeInput = z.infer<typeof input>;

export interface BackupCodeNeeds {
  readonly recoveryCodes: RecoveryCodes;
}

export function createBackupCodesFactor({
  recoveryCodes,
}: BackupCodeNeeds): Factor<BackupCodeInput> {
  return {
    name: NAME,
    step: 'second-factor',
    proves: 'possession',
    amr: ['otp'],
    input,
    member: 'backup_code',
    findFlaw: ({ code }) =>
      readBackupCode(code) === undefined ? 'backup-codes.malformed' : undefined,
    page: {
      view: join(PROJECT_ROOT, 'views/factors/backup-codes.ejs'),
      title: 'backup-codes.title',
      button: 'backup-codes.submit',
      link: 'backup-codes.link',
      texts: 'backup-codes',
    },
    isLastResort: true,
    isEnrolled: async (accountId) => ((await recoveryCodes.left(accountId)) ?? 0) > 0,
    verify: async ({ account, input: { code } }) => {
      const found = account && (await recoveryCodes.find(account.id, code));
      if (!account || !found) return rejected('no unused backup code');
      return { kind: 'proved', account, spend: [found.spend], left: found.left };
    },
  };
}
