// Where a person wanted to go on the account pages before they were asked who they are.
import { safeEqual, type Vault } from '../../../lib/vault.ts';

export interface ReturnTo {
  /** For the `state` of an authorization request. */
  write(path: string): string;
  /** The path, if it was written here; whatever else comes back leads nowhere. */
  read(state: unknown): string | undefined;
}

const PURPOSE = 'account-return';

export function createReturnTo(vault: Vault): ReturnTo {
  const write = (path: string) => `${vault.digest(PURPOSE, path)}.${path}`;
  return {
    write,
    read: (state) => {
      if (typeof state !== 'string') return undefined;
      const path = state.slice(state.indexOf('.') + 1);
      return safeEqual(write(path), state) ? path : undefined;
    },
  };
}
