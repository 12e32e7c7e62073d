// Authenticators with their secrets, which are sealed for their account alone.
import { now } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import { openIfWhole, type Vault } from '../../lib/vault.ts';
import type { Statement } from '../../store/statement.ts';
import type { Authenticator, AuthenticatorTable as AuthenticatorStore } from './table.ts';

export interface NewAuthenticator {
  readonly accountId: string;
  readonly name: string;
  /** Base32. */
  readonly secret: string;
  /** No code of this step or of one before it is accepted. */
  readonly lastStep: number;
  readonly usedAt?: number;
}

export interface Authenticators extends AuthenticatorStore {
  add(authenticator: NewAuthenticator): Statement;
  /** Base32. Undefined for a row that was damaged or moved to another account. */
  findSecret(authenticator: Authenticator): string | undefined;
}

export function createAuthenticators(
  authenticatorTable: AuthenticatorStore,
  vault: Vault,
): Authenticators {
  const contextOf = (accountId: string) => `authenticator ${accountId}`;
  return {
    ...authenticatorTable,
    add: ({ secret, usedAt, ...rest }) =>
      authenticatorTable.insert({
        ...rest,
        id: randomId(),
        secret: vault.seal(secret, contextOf(rest.accountId)),
        usedAt,
        createdAt: now(),
      }),
    findSecret: ({ accountId, secret }) => openIfWhole(vault, secret, contextOf(accountId)),
  };
}
