// Backup codes: ten at a time, each good for one sign-in without the authenticator.
import { now } from '../../lib/clock.ts';
import { CROCKFORD, readCrockford, toCrockford } from '../../lib/crockford.ts';
import type { Vault } from '../../lib/vault.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { BackupCodeTable } from './table.ts';

export interface BackupCodes {
  /** Undefined: none were ever made. */
  left(accountId: string): Promise<number | undefined>;
  /**
   * The ten codes of one occasion, as they are shown: the same at each call, so that a page can be
   * loaded again, and kept nowhere.
   */
  offer(offerContext: string): readonly string[];
  /** The codes of the occasion count from now on, and those before them no more. */
  renew(accountId: string, offerContext: string): Unit;
  /** What spends the code, in whatever spelling; undefined where it is none of the account's. */
  find(accountId: string, typed: string): Promise<FoundCode | undefined>;
  forget(accountId: string): Statement;
}

export interface FoundCode {
  /** Must hit. */
  readonly spend: Statement;
  /** How many remain afterwards. */
  readonly left: number;
}

export const MADE_AT_ONCE = 10;
/** With less than so many left, new ones are offered. */
export const FEW = 3;
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

export function createBackupCodes({ backupCodeTable, vault }: Needs): BackupCodes {
  const digest = (accountId: string, code: string) =>
    vault.digest('backup-code', `${accountId} ${code}`);

  const offer = (offerContext: string): string[] =>
    Array.from({ length: MADE_AT_ONCE }, (_, index) => {
      const code = toCrockford(vault.derive('backup-codes', `${offerContext} ${index}`));
      return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2, LENGTH)}`;
    });

  return {
    left: backupCodeTable.left,
    offer,
    renew: (accountId, offerContext) => {
      const made = new Set(
        offer(offerContext).map((code) => digest(accountId, readCrockford(code))),
      );
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
