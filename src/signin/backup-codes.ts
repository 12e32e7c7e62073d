// Backup codes in a sign-in: shown until the person has saved them, offered anew when few are left.
import type { BackupCodesDomain } from '../domain/backup-codes.ts';
import type { Notices } from '../domain/notices.ts';
import type { Accounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { SignInAudit } from './audit-events.ts';
import type { Flow, FlowsDomain } from './flow.ts';
import { isOffer } from './steps/backup-codes.ts';
import { dueStep } from './steps/index.ts';

export interface FlowBackupCodes {
  /** The codes to save, the same at each call; undefined where none are to be shown. */
  shown(flow: Flow): readonly string[] | undefined;
  /** The answer to the offer of new ones. */
  decide(flow: Flow, decision: 'renew' | 'later'): Promise<void>;
  /** The person has them: from now on they count, and they are never shown again. */
  saved(flow: Flow): Promise<void>;
}

interface Needs {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly flows: FlowsDomain;
  readonly backupCodes: BackupCodesDomain;
  readonly signInAudit: SignInAudit;
  readonly notices: Notices;
}

export function createFlowBackupCodes(needs: Needs): FlowBackupCodes {
  const { store, accounts, flows, backupCodes, signInAudit } = needs;
  const isDue = ({ facts }: Flow) => dueStep(facts)?.name === 'backup-codes';
  const occasion = ({ row }: Flow) => `flow ${row.id}`;
  return {
    shown: (flow) =>
      isDue(flow) && !isOffer(flow.facts) ? backupCodes.offer(occasion(flow)) : undefined,
    decide: async (flow, decision) => {
      if (!isDue(flow) || !isOffer(flow.facts)) return;
      await store.commit([flows.markBackup(flow, decision === 'renew' ? 'renewing' : 'settled')]);
    },
    saved: async (flow) => {
      const { accountId, generation } = flow.row;
      const isTheTime = isDue(flow) && !isOffer(flow.facts);
      if (!isTheTime || accountId === undefined || generation === undefined) return;
      await store.commit([
        accounts.guard(accountId, generation),
        flows.markBackup(flow, 'settled'),
        ...backupCodes.renew(accountId, occasion(flow)),
        signInAudit.codesRenewed(flow),
        ...(await renewalNotice(flow, accountId, needs)),
      ]);
    },
  };
}

/** The first codes come with the first authenticator, of which there is a mail already. */
async function renewalNotice({ facts }: Flow, accountId: string, { accounts, notices }: Needs) {
  const account = await accounts.find(accountId);
  const isNews = account && facts.backup.left !== undefined;
  return isNews ? [notices.tell(account, { kind: 'backup-codes-renewed' })] : [];
}
