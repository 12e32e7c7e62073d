// Takes all second factors from an account: what it signs in with next is a new one.
import type { Audit } from '../domain/audit/audit.ts';
import type { BackupCodesDomain } from '../domain/backup-codes.ts';
import type { KnownBrowsers } from '../domain/known-browsers.ts';
import type { SessionsDomain } from '../domain/sessions.ts';
import type { TrustedDevices } from '../domain/trusted-devices.ts';
import { now } from '../lib/clock.ts';
import type { Method } from '../methods/index.ts';
import type { Accounts } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';

interface Needs {
  readonly accounts: Accounts;
  readonly methods: readonly Method[];
  readonly backupCodes: BackupCodesDomain;
  readonly trustedDevices: TrustedDevices;
  readonly knownBrowsers: KnownBrowsers;
  readonly sessions: SessionsDomain;
  readonly audit: Audit;
}

/** No grace is left afterwards, and everything that was signed in ends. */
export type ResetFactors = (accountId: string) => Promise<Unit>;

export function createResetFactors(needs: Needs): ResetFactors {
  return async (id) => [
    needs.accounts.resetFactors(id, now()),
    ...needs.methods.flatMap((method) => method.credentials?.removeAll(id) ?? []),
    needs.backupCodes.forget(id),
    needs.trustedDevices.forgetAll(id),
    await needs.knownBrowsers.forget(id),
    // None is kept, so none moves along to a generation.
    ...(await needs.sessions.moveOn(id, 0, undefined, 'second factor reset')),
    needs.audit.record({ kind: 'factor.removed', reason: 'reset', accountId: id }),
  ];
}
