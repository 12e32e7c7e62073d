// Takes all second factors from an account: what it signs in with next is a new one.

import type { KnownBrowsers } from '../domain/accounts/known-browsers.ts';
import type { TrustedDevices } from '../domain/accounts/trusted-devices.ts';
import type { Audit } from '../domain/audit/audit.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import type { Factor, RecoveryCodes } from '../factors/index.ts';
import { now } from '../lib/clock.ts';
import type { AccountTable } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';

interface Needs {
  readonly accountTable: AccountTable;
  readonly factors: readonly Factor[];
  readonly recoveryCodes: RecoveryCodes;
  readonly trustedDevices: TrustedDevices;
  readonly knownBrowsers: KnownBrowsers;
  readonly sessions: Sessions;
  readonly audit: Audit;
}

/** No grace is left afterwards, and everything that was signed in ends. */
export type ResetFactors = (accountId: string) => Promise<Unit>;

export function createResetFactors(needs: Needs): ResetFactors {
  return async (id) => [
    needs.accountTable.resetFactors(id, now()),
    ...needs.factors.flatMap((factor) => factor.credentials?.removeAll(id) ?? []),
    needs.recoveryCodes.forget(id),
    needs.trustedDevices.forgetAll(id),
    await needs.knownBrowsers.forget(id),
    // None is kept, so none moves along to a generation.
    ...(await needs.sessions.endOthers(id, 0, undefined, 'second factor reset')),
    needs.audit.record({ kind: 'factor.removed', reason: 'reset', accountId: id }),
  ];
}
