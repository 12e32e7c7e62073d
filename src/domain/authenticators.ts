// Authenticators with their secrets, which are sealed for their account alone.
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import { openIfWhole, type Vault } from '../lib/vault.ts';
import type {
  Authenticator,
  Authenticators as AuthenticatorStore,
} from '../store/authenticators.ts';
import type { Statement } from '../store/statement.ts';

export interface NewAuthenticator {
  readonly accountId: string;
  readonly name: string;
  /** Base32. */
  readonly secret: string;
  /** No code of this step or of one before it is accepted. */
  readonly lastStep: number;
  readonly usedAt?: number;
}

export interface AuthenticatorsDomain extends AuthenticatorStore {
  add(authenticator: NewAuthenticator): Statement;
  /** Base32. Undefined for a row that was damaged or moved to another account. */
  findSecret(authenticator: Authenticator): string | undefined;
}

export function createAuthenticatorsDomain(
  authenticators: AuthenticatorStore,
  vault: Vault,
): AuthenticatorsDomain {
  const contextOf = (accountId: string) => `authenticator ${accountId}`;
  return {
    ...authenticators,
    add: ({ secret, usedAt, ...rest }) =>
      authenticators.insert({
        ...rest,
        id: randomId(),
        secret: vault.seal(secret, contextOf(rest.accountId)),
        usedAt,
        createdAt: now(),
      }),
    findSecret: ({ accountId, secret }) => openIfWhole(vault, secret, contextOf(accountId)),
  };
}
