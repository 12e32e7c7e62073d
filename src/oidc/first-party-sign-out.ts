// Ends what a refresh token stands for: its session, and everything that came with it.
import type Provider from 'oidc-provider';
import type { RefreshToken } from 'oidc-provider';
import type { Sessions } from '../domain/sessions/sessions.ts';
import { now } from '../lib/clock.ts';
import type { Vault } from '../lib/vault.ts';
import type { ArtifactTable } from '../store/artifacts.ts';
import type { SessionTable } from '../store/sessions.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { grantKey } from './artifacts.ts';

interface Needs {
  readonly store: Store;
  readonly artifactTable: ArtifactTable;
  readonly vault: Vault;
  readonly sessionTable: SessionTable;
  readonly sessions: Sessions;
  readonly provider: () => Provider;
}

/** Nothing for a value that is not, or not any more, a refresh token of this client. */
export type SignOutFirstParty = (clientId: string, refreshToken: string) => Promise<void>;

/** The Grant goes last: without it nothing that is being issued now can be used. */
const FAMILY = ['RefreshToken', 'AccessToken', 'AuthorizationCode', 'Grant'];

export function createSignOutFirstParty(needs: Needs): SignOutFirstParty {
  return async (clientId, refreshToken) => {
    const token = await needs.provider().RefreshToken.find(refreshToken);
    if (token?.clientId !== clientId) return;
    const family = endFamily(token, needs);
    const { kind } = await needs.store.commit([...(await endSession(token, needs)), ...family]);
    // Another request has ended the session a moment ago, and told of it.
    if (kind === 'conflict') await needs.store.commit(family);
  };
}

async function endSession(
  { accountId, sessionUid: uid }: RefreshToken,
  { sessionTable, sessions }: Needs,
): Promise<Unit> {
  const stands = uid !== undefined && (await sessionTable.find(uid, now()));
  return stands ? sessions.endOf(accountId, uid, 'signed out at an application') : [];
}

function endFamily({ grantId = '' }: RefreshToken, { artifactTable, vault }: Needs): Unit {
  const key = grantKey(vault, grantId);
  return FAMILY.map((model) =>
    model === 'Grant' ? artifactTable.delete(model, key) : artifactTable.deleteByGrant(model, key),
  );
}
