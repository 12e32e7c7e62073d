// Everything that could be said of an account. What of it is said, scopes and consent decide.

import type { Attribute } from '../../config/standard-attributes.ts';
import type { Account } from '../../store/accounts.ts';

export function claimsOf(
  account: Account,
  attributes: readonly Attribute[],
): Readonly<Record<string, unknown>> {
  const { id, email, emailVerified, name, updatedAt } = account;
  const claims: Record<string, unknown> = {
    sub: id,
    email,
    email_verified: emailVerified,
    updated_at: Math.floor(updatedAt / 1000),
    ...(name === undefined ? {} : { name }),
  };
  for (const { name: attribute, claim } of attributes) {
    const value = account.attributes[attribute];
    if (value !== undefined) claims[claim] = value;
  }
  return claims;
}
