// What is found out when the password was right: how long grace lasts, and whether the device is trusted.

import type { Mfa } from '../domain/accounts/mfa.ts';
import type { TrustedDevices } from '../domain/accounts/trusted-devices.ts';
import type { Requester } from '../domain/limits/requester.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Facts } from './facts.ts';

export interface FirstProofNeeds {
  readonly accountTable: AccountTable;
  readonly mfa: Mfa;
  readonly trustedDevices: TrustedDevices;
}

export interface FirstProof {
  readonly facts: Pick<Facts, 'grace' | 'device'>;
  /** A grace that begins has one end, which is stored once. */
  readonly unit: Unit;
}

export async function firstProof(
  account: Account,
  requester: Requester,
  at: number,
  { accountTable, mfa, trustedDevices }: FirstProofNeeds,
): Promise<FirstProof> {
  const grace = mfa.graceAt(account, at);
  const device = await trustedDevices.find(account, requester);
  const begins = grace.kind === 'running' && account.mfaDeadline === undefined;
  return {
    facts: { grace, device },
    unit: begins ? [accountTable.startGrace(account.id, grace.until)] : [],
  };
}
