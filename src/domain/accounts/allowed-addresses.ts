// The networks that an account is used from, where an operator has said so.
import { isAllowedAddress } from '../../lib/addresses.ts';
import { now } from '../../lib/clock.ts';
import type { Account, AccountTable } from '../../store/accounts.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import { readRanges } from './address-ranges.ts';
import type { OperatorReason } from './operations.ts';

/** @param address of whoever asks, as `currentRequest()` has it */
export function mayComeFrom(
  { allowedAddresses }: Pick<Account, 'allowedAddresses'>,
  address: string | undefined,
): boolean {
  return isAllowedAddress(allowedAddresses, address);
}

/**
 * @param ranges none: any
 * Throws `invalid_input` for what is no address and no range of addresses.
 */
export type AllowAddresses = (
  account: Account,
  ranges: readonly string[],
  cause: Pick<OperatorReason, 'actor' | 'ticket'> & { readonly reason?: string | undefined },
) => Promise<void>;

export interface AllowAddressesNeeds {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly audit: Audit;
}

export function createAllowAddresses({
  store,
  accountTable,
  audit,
}: AllowAddressesNeeds): AllowAddresses {
  return async ({ id }, given, { actor, reason, ticket }) => {
    const ranges = readRanges(given);
    const detail = { ranges, ...(ticket === undefined ? {} : { ticket }) };
    const why = reason === undefined ? {} : { reason };
    const kind = 'account.addresses_changed';
    const recorded = audit.record({ kind, accountId: id, actor, ...why, detail });
    await store.write(accountTable.allowAddresses(id, ranges, now()), recorded);
  };
}
