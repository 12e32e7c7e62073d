// Ends what somebody is signed in with: a session, the trust in a device, or everything everywhere.
import type { Account, AccountTable } from '../../store/accounts.ts';
import type { Statement } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import type { SessionEnd, Sessions } from '../sessions/sessions.ts';
import type { KnownBrowsers } from './known-browsers.ts';
import type { TrustedDevices } from './trusted-devices.ts';

export interface Revocations {
  /** @returns whether it was a session of this account that stood */
  endSession(accountId: string, session: string, why: SessionEnd): Promise<boolean>;
  /** @returns whether it was a device of this account */
  forgetDevice(accountId: string, device: string): Promise<boolean>;
  forgetDevices(accountId: string): Promise<void>;
  /** Sessions, all tokens, trusted devices and known browsers. @returns whether it was this call */
  signOutEverywhere(account: Account): Promise<boolean>;
}

interface Needs {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly sessions: Sessions;
  readonly trustedDevices: TrustedDevices;
  readonly knownBrowsers: KnownBrowsers;
  readonly audit: Audit;
}

export function createRevocations(needs: Needs): Revocations {
  const { store, accountTable, sessions, trustedDevices, knownBrowsers, audit } = needs;

  const isDone = async (...unit: readonly Statement[]) => await store.tryCommit(unit);
  const deviceEnded = (accountId: string, reason: string) =>
    audit.record({ kind: 'device.ended', accountId, reason });

  return {
    endSession: async (accountId, session, why) =>
      isDone(...(await sessions.endOf(accountId, session, why))),
    forgetDevice: (accountId, device) =>
      isDone(trustedDevices.forget(accountId, device), deviceEnded(accountId, 'forgotten')),
    forgetDevices: async (accountId) => {
      await isDone(trustedDevices.forgetAll(accountId), deviceEnded(accountId, 'all forgotten'));
    },
    signOutEverywhere: async ({ id, generation }) => {
      const why = 'signed out everywhere';
      return isDone(
        accountTable.bumpGeneration(id, generation),
        ...(await sessions.endOthers(id, generation + 1, undefined, why)),
        trustedDevices.forgetAll(id),
        deviceEnded(id, why),
        await knownBrowsers.forget(id),
      );
    },
  };
}
