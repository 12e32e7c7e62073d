// Applications that a person has given access, and how they take it back.
import type { Artifacts } from '../store/artifacts.ts';
import type { Consents, ListedConsent } from '../store/consents.ts';
import type { Unit } from '../store/statement.ts';

export interface Connections {
  list(accountId: string): Promise<readonly ListedConsent[]>;
  /** Must hit: it has access. Whatever the application has got by it ends with it. */
  revoke(accountId: string, clientId: string): Unit;
}

interface Needs {
  readonly consents: Consents;
  readonly artifacts: Artifacts;
}

export function createConnections({ consents, artifacts }: Needs): Connections {
  return {
    list: consents.ofAccount,
    // The consent first: a code that is being issued on it holds it, and goes with the rest then.
    revoke: (accountId, clientId) => [
      consents.delete(accountId, clientId),
      artifacts.deleteOf(accountId, clientId),
    ],
  };
}
