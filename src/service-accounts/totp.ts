// The secret behind the codes of a machine: shown once, sealed for its account alone.

import { newSecret, otpauthUri } from '../factors/index.ts';
import { now } from '../lib/clock.ts';
import type { Unit } from '../store/statement.ts';
import { type OperatorReason, record, type ServiceAccountsNeeds } from './needs.ts';
import type { ServiceAccount } from './table.ts';

/** Shown once. */
export interface ServiceAccountTotp {
  /** Base32. */
  readonly secret: string;
  readonly uri: string;
}

export function newTotp(
  { id, name }: Pick<ServiceAccount, 'id' | 'name'>,
  { authenticators, config }: ServiceAccountsNeeds,
): { readonly unit: Unit; readonly shown: ServiceAccountTotp } {
  const secret = newSecret();
  const row = authenticators.add({ accountId: id, name, secret, lastStep: 0 });
  return { unit: [row], shown: { secret, uri: otpauthUri(config.product.name, name, secret) } };
}

export async function resetTotp(
  account: ServiceAccount,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<ServiceAccountTotp> {
  const { unit, shown } = newTotp(account, needs);
  await needs.store.write(
    needs.serviceAccountTable.bumpGeneration(account.id, now()),
    needs.authenticators.deleteOf(account.id),
    ...unit,
    needs.artifactTable.deleteOwn(account.id),
    ...needs.limits.clearAccount({ id: account.id }),
    record('totp_reset', account.id, cause, needs),
  );
  return shown;
}
