// Ends what somebody is signed in with: one session, or everything everywhere.
import type { Account, Accounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { KnownBrowsers } from './known-browsers.ts';
import type { SessionsDomain } from './sessions.ts';
import type { TrustedDevices } from './trusted-devices.ts';

export interface SignOuts {
  /** @returns whether it was a session of this account that stood */
  one(accountId: string, session: string): Promise<boolean>;
  /** Sessions, all tokens, trusted devices and known browsers. @returns whether it was this call */
  everywhere(account: Account): Promise<boolean>;
}

interface Needs {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly sessions: SessionsDomain;
  readonly trustedDevices: TrustedDevices;
  readonly knownBrowsers: KnownBrowsers;
}

export function createSignOuts(needs: Needs): SignOuts {
  const { store, accounts, sessions, trustedDevices, knownBrowsers } = needs;
  return {
    one: async (accountId, session) => {
      const { kind } = await store.commit(await sessions.endOf(accountId, session));
      return kind === 'committed';
    },
    everywhere: async ({ id, generation }) => {
      const { kind } = await store.commit([
        accounts.raise(id, generation),
        ...(await sessions.moveOn(id, generation + 1, undefined)),
        trustedDevices.forgetAll(id),
        await knownBrowsers.forget(id),
      ]);
      return kind === 'committed';
    },
  };
}
