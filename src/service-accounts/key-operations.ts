// Keys come and go while others count, so that a machine can change over.
import { now } from '../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import { type OperatorReason, record, type ServiceAccountsNeeds } from './needs.ts';
import { type CreatedKey, createKey, type NewKey } from './new-keys.ts';
import { refusal } from './refusals.ts';
import type { ServiceAccount } from './table.ts';

/** So few that looking through them costs nothing. */
export const LIVE_KEYS_AT_MOST = 10;
/** Which statement misses where there are that many. */
const ROOM = 1;

export async function addKey(
  { id }: ServiceAccount,
  request: NewKey,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<CreatedKey> {
  const { store, serviceAccountTable } = needs;
  const created = await createKey(id, request);
  const { kid, alg } = created.key;
  const unit = [
    serviceAccountTable.lock(id, now()),
    serviceAccountTable.guardRoom(id, LIVE_KEYS_AT_MOST, now()),
    serviceAccountTable.insertKey(created.key),
    record('key_added', id, cause, needs, { kid, alg }),
  ];
  const outcome = await store.commit(unit).catch((error: unknown) => {
    throw isGatehouseError(error, 'already_exists') ? hadBefore(kid, error) : error;
  });
  if (outcome.kind === 'committed') return created;
  if (outcome.at !== ROOM) throw new GatehouseError('store_conflict');
  const most = `${LIVE_KEYS_AT_MOST} keys that count`;
  throw refusal(`The service account has ${most}: revoke one that is not used any more.`);
}

function hadBefore(kid: string, cause: unknown): GatehouseError {
  const message = `The service account has, or had, the key ${kid} already.`;
  return new GatehouseError('already_exists', { message, cause });
}

export async function revokeKey(
  { id }: ServiceAccount,
  kid: string,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  const { store, serviceAccountTable, artifactTable } = needs;
  const key = (await serviceAccountTable.keysOf(id)).find((each) => each.kid === kid);
  if (!key) throw refusal(`The service account has no key "${kid}".`);
  if (key.revokedAt !== undefined) throw refusal('The key is revoked already.');
  await store.write(
    serviceAccountTable.lock(id, now()),
    serviceAccountTable.revokeKey(id, kid, now()),
    artifactTable.deleteOwn(id),
    record('key_revoked', id, cause, needs, { kid }),
  );
}
