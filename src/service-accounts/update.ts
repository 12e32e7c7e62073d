// What operators change about a service account: its name, and what it may ask for, and from where.

import { readRanges } from '../domain/accounts/address-ranges.ts';
import { now } from '../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import { type AllowLists, type Apis, readAllowLists } from './allow-lists.ts';
import { readName } from './create.ts';
import { type OperatorReason, record, type ServiceAccountsNeeds } from './needs.ts';
import type { ServiceAccount, ServiceAccountChange } from './table.ts';

/** What is named replaces what was there, a list as a whole; an empty one is as at the start. */
export interface ServiceAccountUpdate extends Partial<AllowLists> {
  readonly name?: string;
}

/** In the words of the commands. */
const NAMES = {
  name: 'name',
  scopes: 'scope',
  resources: 'resources',
  addresses: 'allowed_addresses',
} as const;

export async function update(
  account: ServiceAccount,
  wanted: ServiceAccountUpdate,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  const change = changeOf(account, wanted, needs);
  const names = Object.keys(change) as ReadonlyArray<keyof typeof NAMES>;
  if (names.length === 0) return;
  const changed = names.map((name) => NAMES[name]);
  const recorded = record('updated', account.id, cause, needs, { changed });
  const { serviceAccountTable, artifactTable, store } = needs;
  // Tokens are made of its lists: with others, those that can be taken back are.
  const ended = names.some((name) => name !== 'name') ? [artifactTable.deleteOwn(account.id)] : [];
  await store
    .write(serviceAccountTable.update(account, change, now()), ...ended, recorded)
    .catch(asConflict);
}

function changeOf(
  account: ServiceAccount,
  { name, addresses, ...apis }: ServiceAccountUpdate,
  { config }: ServiceAccountsNeeds,
): ServiceAccountChange {
  const all = {
    ...(name === undefined ? {} : { name: readName(name) }),
    ...(addresses === undefined ? {} : { addresses: readRanges(addresses) }),
    ...apisOf(account, apis, config),
  };
  const isOther = ([key, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(account[key as keyof typeof NAMES]);
  return Object.fromEntries(Object.entries(all).filter(isOther));
}

/** Lists that are left alone may name what is not configured any more. */
function apisOf(account: ServiceAccount, asked: Pick<ServiceAccountUpdate, ApiLists>, apis: Apis) {
  if (Object.keys(asked).length === 0) return {};
  const { scopes, resources } = readAllowLists({ ...account, ...asked }, apis);
  return { scopes, resources };
}

type ApiLists = 'scopes' | 'resources';

function asConflict(error: unknown): never {
  if (!isGatehouseError(error, 'store_conflict')) throw error;
  const message = 'The service account was changed meanwhile. Check it and try again.';
  throw new GatehouseError('store_conflict', { message, cause: error });
}
