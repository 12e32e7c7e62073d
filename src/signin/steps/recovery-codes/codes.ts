// Backup codes in a sign-in: shown until the person has saved them, offered anew when few are left.

import { CODES_RENEWED, type Notices } from '../../../domain/notices/notices.ts';
import type { RecoveryCodes } from '../../../factors/index.ts';
import type { AccountTable } from '../../../store/accounts.ts';
import type { Store } from '../../../store/store.ts';
import type { SignInAudit } from '../../audit-events.ts';
import type { Flow, Flows } from '../../flow.ts';
import { dueStep } from '../index.ts';
import { isOffer, saveRecoveryCodes } from './step.ts';

export interface FlowRecoveryCodes {
  /** The codes to save, the same at each call; undefined where none are to be shown. */
  shown(flow: Flow): readonly string[] | undefined;
  /** The answer to the offer of new ones. */
  decide(flow: Flow, decision: 'renew' | 'later'): Promise<void>;
  /** The person has them: from now on they count, and they are never shown again. */
  saved(flow: Flow): Promise<void>;
}

interface Needs {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly flows: Flows;
  readonly recoveryCodes: RecoveryCodes;
  readonly signInAudit: SignInAudit;
  readonly notices: Notices;
}

export function createFlowRecoveryCodes(needs: Needs): FlowRecoveryCodes {
  const { store, accountTable, flows, recoveryCodes, signInAudit } = needs;
  const isDue = ({ facts }: Flow) => dueStep(facts) === saveRecoveryCodes;
  const offerContext = ({ row }: Flow) => `flow ${row.id}`;
  return {
    shown: (flow) =>
      isDue(flow) && !isOffer(flow.facts) ? recoveryCodes.offer(offerContext(flow)) : undefined,
    decide: async (flow, decision) => {
      if (!isDue(flow) || !isOffer(flow.facts)) return;
      await store.commit([flows.markRecovery(flow, decision === 'renew' ? 'renewing' : 'settled')]);
    },
    saved: async (flow) => {
      const { accountId, generation } = flow.row;
      const isTheTime = isDue(flow) && !isOffer(flow.facts);
      if (!isTheTime || accountId === undefined || generation === undefined) return;
      await store.commit([
        accountTable.guard(accountId, generation),
        flows.markRecovery(flow, 'settled'),
        ...recoveryCodes.renew(accountId, offerContext(flow)),
        signInAudit.codesRenewed(flow),
        ...(await renewalNotice(flow, accountId, needs)),
      ]);
    },
  };
}

/** The first codes come with the first authenticator, of which there is a mail already. */
async function renewalNotice({ facts }: Flow, accountId: string, { accountTable, notices }: Needs) {
  const account = await accountTable.find(accountId);
  const isNews = account && facts.backup.left !== undefined;
  return isNews ? [notices.noticeFor(account, { kind: CODES_RENEWED })] : [];
}
