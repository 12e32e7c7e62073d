// New backup codes for somebody who is signed in: offered until they are saved, and never twice.
import type { Audit } from '../domain/audit/audit.ts';
import type { BackupCodesDomain } from '../domain/backup-codes.ts';
import type { Notices } from '../domain/notices.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Sessions } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';

export interface NewBackupCodes {
  /** The same in a session until some are saved. */
  offer(account: Account, session: string): readonly string[];
  /**
   * From now on these count, and those before them no more.
   * @param revision of the account when they were shown
   * @returns whether it was these that were still on offer
   */
  save(account: Account, session: string, revision: number): Promise<boolean>;
}

interface Needs {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly sessionTable: Pick<Sessions, 'guard'>;
  readonly backupCodes: BackupCodesDomain;
  readonly audit: Audit;
  readonly notices: Notices;
}

export function createNewBackupCodes(needs: Needs): NewBackupCodes {
  const { store, accounts, sessionTable, backupCodes, audit, notices } = needs;
  const occasion = (session: string, revision: number) => `session ${session} ${revision}`;
  return {
    offer: ({ backupCodesRevision }, session) =>
      backupCodes.offer(occasion(session, backupCodesRevision)),
    save: async (account, session, revision) => {
      const { id, generation } = account;
      const { kind } = await store.commit([
        accounts.reviseBackupCodes(id, generation, revision),
        sessionTable.guard(session),
        ...backupCodes.renew(id, occasion(session, revision)),
        audit.record({ kind: 'backup_codes.renewed', accountId: id }),
        notices.tell(account, { kind: 'backup-codes-renewed' }),
      ]);
      return kind === 'committed';
    },
  };
}
