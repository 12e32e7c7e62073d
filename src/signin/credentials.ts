// What an account has of second factors, by name: to be renamed, and to be removed but for the last.
import type { SessionsDomain } from '../domain/sessions.ts';
import type { Log } from '../lib/log.ts';
import type { Method } from '../methods/index.ts';
import type { Credential } from '../methods/method.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';

export interface HeldCredential extends Credential {
  readonly method: Method;
}

export type RemoveOutcome =
  | 'removed'
  /** Nobody is left without a second factor. */
  | 'last'
  /** There is none of this id, or the account has changed meanwhile. */
  | 'void';

export interface AccountCredentials {
  list(accountId: string): Promise<readonly HeldCredential[]>;
  /** Whether the account may have one more of this method. */
  hasRoom(accountId: string, method: Method): Promise<boolean>;
  /** @returns whether the account has it */
  rename(account: Account, held: HeldCredential, name: string): Promise<boolean>;
  /** @param session of this browser: it goes on, all others end */
  remove(account: Account, held: HeldCredential, session: string): Promise<RemoveOutcome>;
}

interface Needs {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly sessions: SessionsDomain;
  readonly methods: readonly Method[];
  readonly log: Log;
}

export function createAccountCredentials(needs: Needs): AccountCredentials {
  const { store, accounts, methods } = needs;

  const list: AccountCredentials['list'] = async (accountId) => {
    const held = methods.map(async (method) => {
      const own = await method.credentials?.list(accountId);
      return (own ?? []).map((each): HeldCredential => ({ ...each, method }));
    });
    return (await Promise.all(held)).flat();
  };

  const rename: AccountCredentials['rename'] = async ({ id, generation }, held, name) => {
    const renamed = held.method.credentials?.rename?.(id, held.id, name);
    if (!renamed) return false;
    const { kind } = await store.commit([accounts.guard(id, generation), renamed]);
    return kind === 'committed';
  };

  return {
    list,
    rename,
    hasRoom: async (accountId, { credentials }) =>
      credentials === undefined || (await credentials.list(accountId)).length < credentials.atMost,
    remove: async (account, held, session) => {
      // Read after the account: any that went since then has raised its generation.
      const isLast = (await list(account.id)).length < 2;
      return isLast ? 'last' : remove(account, held, session, needs);
    },
  };
}

async function remove(
  { id, generation }: Account,
  { id: credential, method }: HeldCredential,
  session: string,
  { store, accounts, sessions, log }: Needs,
): Promise<RemoveOutcome> {
  const { kind } = await store.commit([
    accounts.raise(id, generation),
    ...(method.credentials?.remove(id, credential) ?? []),
    ...(await sessions.moveOn(id, generation + 1, session)),
  ]);
  if (kind === 'committed') log.info({ account: id, method: method.name }, 'factor removed');
  return kind === 'committed' ? 'removed' : 'void';
}
