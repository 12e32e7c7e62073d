// New backup codes for somebody who is signed in: offered until they are saved, and never twice.
import type { Audit } from '../domain/audit/audit.ts';
import { CODES_RENEWED, type Notices } from '../domain/notices/notices.ts';
import type { RecoveryCodes } from '../factors/index.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { SessionTable } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';

export interface NewRecoveryCodes {
  /** The same until some are saved, or the person proves anew who they are. */
  offer(account: Account, session: Proved): readonly string[];
  /** Names the offer, for the form to say which codes it showed. */
  offerContextOf(account: Account, session: Proved): string;
  /**
   * From now on these count, and those before them no more.
   * @returns whether it was these that were still on offer
   */
  save(account: Account, session: Proved): Promise<boolean>;
}

/** A session, and when something was proved in it last. */
interface Proved {
  readonly uid: string;
  readonly provedAt: number;
}

interface Needs {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly sessionTable: Pick<SessionTable, 'guard'>;
  readonly recoveryCodes: RecoveryCodes;
  readonly audit: Audit;
  readonly notices: Notices;
}

export function createNewRecoveryCodes(needs: Needs): NewRecoveryCodes {
  const { store, accountTable, sessionTable, recoveryCodes, audit, notices } = needs;
  const offerContextOf = ({ backupCodesRevision }: Account, { provedAt }: Proved) =>
    `${backupCodesRevision} ${provedAt}`;
  const secretly = (account: Account, session: Proved) =>
    `session ${session.uid} ${offerContextOf(account, session)}`;
  return {
    offerContextOf,
    offer: (account, session) => recoveryCodes.offer(secretly(account, session)),
    save: async (account, session) => {
      const { id, generation, backupCodesRevision: revision } = account;
      const isDone = await store.tryCommit([
        accountTable.reviseRecoveryCodes(id, generation, revision),
        sessionTable.guard(session.uid),
        ...recoveryCodes.renew(id, secretly(account, session)),
        audit.record({ kind: 'backup_codes.renewed', accountId: id }),
        notices.noticeFor(account, { kind: CODES_RENEWED }),
      ]);
      return isDone;
    },
  };
}
