// What ends a service account, for a while or for good, and what opens it again.
import { now } from '../lib/clock.ts';
import { type OperatorReason, record, type ServiceAccountsNeeds } from './needs.ts';
import { refusal } from './refusals.ts';
import type { ServiceAccount } from './table.ts';

export async function disable(
  { id, status }: ServiceAccount,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  if (status === 'disabled') throw refusal('The service account is disabled already.');
  await needs.store.write(
    needs.serviceAccountTable.setStatus(id, 'disabled', now()),
    // After it: whoever is about to issue a token holds the account until the token is there.
    needs.artifactTable.deleteOwn(id),
    record('disabled', id, cause, needs),
  );
}

export async function enable(
  { id, status }: ServiceAccount,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  if (status === 'active') throw refusal('The service account is enabled already.');
  const enabled = needs.serviceAccountTable.setStatus(id, 'active', now());
  await needs.store.write(enabled, record('enabled', id, cause, needs));
}

export async function remove(
  { id, name }: ServiceAccount,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  await needs.store.write(
    needs.serviceAccountTable.delete(id),
    needs.artifactTable.deleteOwn(id),
    ...needs.limits.clearAccount({ id }),
    record('deleted', id, cause, needs, { name }),
  );
}

export async function unlock(
  { id }: ServiceAccount,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  await needs.store.write(
    needs.serviceAccountTable.lock(id, now()),
    ...needs.limits.clearAccount({ id }),
    record('unlocked', id, cause, needs),
  );
}
