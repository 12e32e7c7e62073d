// Backup codes: ten at a time, each good for one sign-in without the authenticator.
import { now } from '../../lib/clock.ts';
import { CROCKFORD, readCrockford, toCrockford } from '../../lib/crockford.ts';
import type { Vault } from '../../lib/vault.ts';
import { MADE_AT_ONCE, type RecoveryCodes } from '../recovery.ts';
import type { BackupCodeTable } from './table.ts';

/** Names the factor, too. */
export const NAME = 'backup-codes';
const LENGTH = 8;
const SHAPE = new RegExp(`^[${CROCKFORD}]{${LENGTH}}$`);

/** Undefined for what cannot be a backup code in any spelling. */
export function readBackupCode(typed: string): string | undefined {
  const code = readCrockford(typed);
  return SHAPE.test(code) ? code : undefined;
}

interface Needs {
  readonly backupCodeTable: BackupCodeTable;
  readonly vault: Vault;
}

export function createBackupCodes({ backupCodeTable, vault }: Needs): RecoveryCodes {
  const digest = (accountId: string, code: string) =>
    vault.digest('backup-code', `${accountId} ${code}`);

  const offer = (context: string): string[] =>
    Array.from({ length: MADE_AT_ONCE }, (_, index) => {
      const code = toCrockford(vault.derive('backup-codes', `${context} ${index}`));
      return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2, LENGTH)}`;
    });

  return {
    name: NAME,
    views: {
      save: 'steps/save-backup-codes',
      few: 'steps/few-backup-codes',
      account: 'account/backup-codes',
      texts: 'save-backup-codes',
      accountTexts: 'account.backup-codes',
    },
    left: backupCodeTable.left,
    offer,
    renew: (accountId, context) => {
      const made = new Set(offer(context).map((code) => digest(accountId, readCrockford(code))));
      return [
        backupCodeTable.deleteOf(accountId),
        backupCodeTable.insert(accountId, [...made], now()),
      ];
    },
    find: async (accountId, typed) => {
      const code = readBackupCode(typed);
      if (code === undefined) return undefined;
      const wanted = digest(accountId, code);
      if (!(await backupCodeTable.has(accountId, wanted))) return undefined;
      const left = ((await backupCodeTable.left(accountId)) ?? 0) - 1;
      return { spend: backupCodeTable.spend(accountId, wanted, now()), left };
    },
    forget: backupCodeTable.deleteOf,
  };
}
