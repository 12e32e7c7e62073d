// The secret behind the codes of a machine: shown once, sealed for its account alone.
import { now } from '../../lib/clock.ts';
import type { ServiceAccount } from '../../store/service-accounts.ts';
import type { Unit } from '../../store/statement.ts';
import { newSecret, otpauthUri } from '../authenticator-secrets.ts';
import { type Cause, record, type ServiceAccountsNeeds } from './needs.ts';

/** Shown once. */
export interface MachineTotp {
  /** Base32. */
  readonly secret: string;
  readonly uri: string;
}

export function newTotp(
  { id, name }: Pick<ServiceAccount, 'id' | 'name'>,
  { authenticators, config }: ServiceAccountsNeeds,
): { readonly unit: Unit; readonly shown: MachineTotp } {
  const secret = newSecret();
  const row = authenticators.add({ accountId: id, name, secret, lastStep: 0 });
  return { unit: [row], shown: { secret, uri: otpauthUri(config.product.name, name, secret) } };
}

export async function resetTotp(
  account: ServiceAccount,
  cause: Cause | undefined,
  needs: ServiceAccountsNeeds,
): Promise<MachineTotp> {
  const { unit, shown } = newTotp(account, needs);
  await needs.store.write(
    needs.accounts.moveOn(account.id, now()),
    needs.authenticators.deleteOf(account.id),
    ...unit,
    needs.artifacts.deleteOwn(account.id),
    ...needs.limits.clearAccount({ id: account.id }),
    record('totp_reset', account.id, cause, needs),
  );
  return shown;
}
