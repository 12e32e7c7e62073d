// What is found out when the password was right: how long grace lasts, and whether the device is trusted.
import type { Visitor } from '../domain/limits/visitor.ts';
import type { Mfa } from '../domain/mfa.ts';
import type { TrustedDevices } from '../domain/trusted-devices.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Facts } from './flow.ts';

export interface FirstProofNeeds {
  readonly accounts: Accounts;
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
  visitor: Visitor,
  at: number,
  { accounts, mfa, trustedDevices }: FirstProofNeeds,
): Promise<FirstProof> {
  const grace = mfa.graceAt(account, at);
  const device = await trustedDevices.find(account, visitor);
  const begins = grace.kind === 'running' && account.mfaDeadline === undefined;
  return {
    facts: { grace, device },
    unit: begins ? [accounts.startGrace(account.id, grace.until)] : [],
  };
}
