// Service accounts: machines that sign in with keys of their own, as operators make and end them.
import { now } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import { walkPages } from '../lib/pagination.ts';
import { type CreatedServiceAccount, create, type NewServiceAccount } from './create.ts';
import { addKey, revokeKey } from './key-operations.ts';
import type { OperatorReason, ServiceAccountsNeeds } from './needs.ts';
import type { CreatedKey, NewKey } from './new-keys.ts';
import { disable, enable, remove, unlock } from './operations.ts';
import type { ServiceAccount, ServiceAccountKey } from './table.ts';
import { resetTotp, type ServiceAccountTotp } from './totp.ts';
import { type ServiceAccountUpdate, update } from './update.ts';

export type {
  CreatedKey,
  CreatedServiceAccount,
  NewKey,
  NewServiceAccount,
  OperatorReason,
  ServiceAccount,
  ServiceAccountKey,
  ServiceAccountTotp,
  ServiceAccountUpdate,
};

/**
 * All that takes an id throws `unknown_service_account`; all that changes something throws
 * `invalid_input` where that cannot be, and `store_conflict` when the account changes meanwhile.
 */
export interface ServiceAccounts {
  create(request: NewServiceAccount, cause?: OperatorReason): Promise<CreatedServiceAccount>;
  find(id: string): Promise<ServiceAccount | undefined>;
  get(id: string): Promise<ServiceAccount>;
  list(): AsyncGenerator<ServiceAccount>;
  /** Oldest first, those too that count no longer. */
  keysOf(id: string): Promise<ServiceAccountKey[]>;
  /** Keys that count now, of accounts that are active, and will not in so many milliseconds. */
  keysExpiringWithin(length: number): Promise<ServiceAccountKey[]>;
  /** Whether it must send codes. */
  hasTotp(id: string): Promise<boolean>;
  addKey(id: string, request: NewKey, cause?: OperatorReason): Promise<CreatedKey>;
  /** Its opaque tokens end. */
  revokeKey(id: string, kid: string, cause?: OperatorReason): Promise<void>;
  /** Its opaque tokens end. */
  disable(id: string, cause?: OperatorReason): Promise<void>;
  enable(id: string, cause?: OperatorReason): Promise<void>;
  /** Its opaque tokens end. */
  delete(id: string, cause?: OperatorReason): Promise<void>;
  /** With other lists its opaque tokens end. */
  update(id: string, change: ServiceAccountUpdate, cause?: OperatorReason): Promise<void>;
  /** The old secret is dead; whoever had none must send codes from now on. Its opaque tokens end. */
  resetTotp(id: string, cause?: OperatorReason): Promise<ServiceAccountTotp>;
  /** Forgets all wrong codes. */
  unlock(id: string, cause?: OperatorReason): Promise<void>;
}

/** What an id can be at all: anything else never reaches the database. */
const ID = new RegExp(`^${SERVICE_ACCOUNT}[\\w-]{1,64}$`);

export function createServiceAccounts(needs: ServiceAccountsNeeds): ServiceAccounts {
  const { serviceAccountTable, authenticators } = needs;

  const find = async (id: string) => (ID.test(id) ? serviceAccountTable.find(id) : undefined);
  const get = async (id: string) => {
    const account = await find(id);
    if (account) return account;
    const message = `No service account has the id "${id}".`;
    throw new GatehouseError('unknown_service_account', { message });
  };

  return {
    find,
    get,
    list: () => walkPages(serviceAccountTable.list),
    keysOf: async (id) => serviceAccountTable.keysOf((await get(id)).id),
    keysExpiringWithin: (length) => serviceAccountTable.expiringKeys(now(), now() + length),
    hasTotp: async (id) => (await authenticators.count(id)) > 0,
    create: (request, cause) => create(request, cause, needs),
    addKey: async (id, request, cause) => addKey(await get(id), request, cause, needs),
    revokeKey: async (id, kid, cause) => revokeKey(await get(id), kid, cause, needs),
    disable: async (id, cause) => disable(await get(id), cause, needs),
    enable: async (id, cause) => enable(await get(id), cause, needs),
    delete: async (id, cause) => remove(await get(id), cause, needs),
    update: async (id, change, cause) => update(await get(id), change, cause, needs),
    resetTotp: async (id, cause) => resetTotp(await get(id), cause, needs),
    unlock: async (id, cause) => unlock(await get(id), cause, needs),
  };
}
