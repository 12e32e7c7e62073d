// Signs out with a refresh token: ends its session, and everything issued in it.
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

/** Does nothing for a value that isn't a valid refresh token of this client. */
export type SignOutFirstParty = (clientId: string, refreshToken: string) => Promise<void>;

/** The Grant goes last: without it, tokens that are being issued meanwhile can't be used. */
const FAMILY = ['RefreshToken', 'AccessToken', 'AuthorizationCode', 'Grant'];

export function createSignOutFirstParty(needs: Needs): SignOutFirstParty {
  return async (clientId, refreshToken) => {
    const token = await needs.provider().RefreshToken.find(refreshToken);
    if (token?.clientId !== clientId) return;
    const family = endFamily(token, needs);
    const { kind } = await needs.store.commit([...(await endSession(token, needs)), ...family]);
    // Another request has just ended the session and recorded that.
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
