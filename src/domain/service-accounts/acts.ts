// What ends a service account, for a while or for good, and what opens it again.
import { now } from '../../lib/clock.ts';
import type { ServiceAccount } from '../../store/service-accounts.ts';
import { type Cause, record, type ServiceAccountsNeeds } from './needs.ts';
import { refusal } from './refusals.ts';

export async function disable(
  { id, status }: ServiceAccount,
  cause: Cause | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  if (status === 'disabled') throw refusal('The service account is disabled already.');
  await needs.store.write(
    needs.accounts.setStatus(id, 'disabled', now()),
    // After it: whoever is about to issue a token holds the account until the token is there.
    needs.artifacts.deleteOwn(id),
    record('disabled', id, cause, needs),
  );
}

export async function enable(
  { id, status }: ServiceAccount,
  cause: Cause | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  if (status === 'active') throw refusal('The service account is enabled already.');
  const enabled = needs.accounts.setStatus(id, 'active', now());
  await needs.store.write(enabled, record('enabled', id, cause, needs));
}

export async function remove(
  { id, name }: ServiceAccount,
  cause: Cause | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  await needs.store.write(
    needs.accounts.delete(id),
    needs.artifacts.deleteOwn(id),
    ...needs.limits.clearAccount({ id }),
    record('deleted', id, cause, needs, { name }),
  );
}

export async function unlock(
  { id }: ServiceAccount,
  cause: Cause | undefined,
  needs: ServiceAccountsNeeds,
): Promise<void> {
  await needs.store.write(
    needs.accounts.lock(id, now()),
    ...needs.limits.clearAccount({ id }),
    record('unlocked', id, cause, needs),
  );
}
