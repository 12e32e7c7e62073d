// Roles at applications: the attribute `roles`, which some applications require.
import type { Account } from '../../store/accounts.ts';

/** @param required undefined: everybody may use the application */
export function hasRole({ attributes }: Account, required: string | undefined): boolean {
  const { roles } = attributes;
  return required === undefined || (Array.isArray(roles) && roles.includes(required));
}
