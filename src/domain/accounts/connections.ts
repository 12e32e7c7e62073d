// Applications that a person has given access, and how they take it back.
import type { ArtifactTable } from '../../store/artifacts.ts';
import type { ConsentTable, ListedConsent } from '../../store/consents.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';

export interface Connections {
  list(accountId: string): Promise<readonly ListedConsent[]>;
  /** Whatever the application has got by it ends at once. @returns whether it had access */
  revoke(accountId: string, clientId: string): Promise<boolean>;
}

interface Needs {
  readonly store: Store;
  readonly consentTable: ConsentTable;
  readonly artifactTable: ArtifactTable;
  readonly audit: Audit;
}

export function createConnections({
  store,
  consentTable,
  artifactTable,
  audit,
}: Needs): Connections {
  return {
    list: consentTable.ofAccount,
    revoke: async (accountId, clientId) => {
      const isDone = await store.tryCommit([
        // First: a code that is being issued on it holds it, and goes with the rest then.
        consentTable.delete(accountId, clientId),
        artifactTable.deleteOf(accountId, clientId),
        audit.record({ kind: 'consent.revoked', accountId, clientId }),
      ]);
      return isDone;
    },
  };
}
