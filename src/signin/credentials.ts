// What an account has of second factors, by name: to be renamed, and to be removed but for the last.
import type { Audit } from '../domain/audit/audit.ts';
import type { Notices } from '../domain/notices.ts';
import type { SessionsDomain } from '../domain/sessions.ts';
import type { Log } from '../lib/log.ts';
import type { Method } from '../methods/index.ts';
import type { Credential } from '../methods/method.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';

export interface HeldCredential extends Credential {
  readonly method: Method;
  /** Without it, nothing of the account would open it or keep it closed: it cannot be removed. */
  readonly isLast: boolean;
}

export interface AccountCredentials {
  list(accountId: string): Promise<readonly HeldCredential[]>;
  /** Whether the account may have one more of this method. */
  hasRoom(accountId: string, method: Method): Promise<boolean>;
  /** @returns whether the account has it */
  rename(account: Account, held: HeldCredential, name: string): Promise<boolean>;
  /**
   * Nobody is left without a second factor: the last one stays.
   * @param held as it was listed after the account was read
   * @param session of this browser: it goes on, all others end
   * @returns whether it was there, and the account as it was found
   */
  remove(account: Account, held: HeldCredential, session: string): Promise<boolean>;
}

interface Needs {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly sessions: SessionsDomain;
  readonly methods: readonly Method[];
  readonly audit: Audit;
  readonly notices: Notices;
  readonly log: Log;
}

export function createAccountCredentials(needs: Needs): AccountCredentials {
  const { store, accounts, methods, log } = needs;
  const isDone = async (unit: Unit) => (await store.commit(unit)).kind === 'committed';
  return {
    list: (accountId) => list(accountId, methods),
    hasRoom: async (accountId, { credentials }) =>
      credentials !== undefined && (await credentials.list(accountId)).length < credentials.atMost,
    rename: async ({ id, generation }, held, name) => {
      const renamed = held.method.credentials?.rename?.(id, held.id, name);
      return renamed !== undefined && isDone([accounts.guard(id, generation), renamed]);
    },
    remove: async (account, held, session) => {
      if (held.isLast || !(await isDone(await removal(account, held, session, needs))))
        return false;
      log.info({ account: account.id, method: held.method.name }, 'factor removed');
      return true;
    },
  };
}

async function list(
  accountId: string,
  methods: readonly Method[],
): Promise<readonly HeldCredential[]> {
  const held = methods.map(async (method) => {
    const own = (await method.credentials?.list(accountId)) ?? [];
    // What is switched off opens nothing.
    const isOpen = own.length > 0 && (await method.isEnrolled(accountId));
    return own.map((each) => ({ ...each, method, opens: isOpen && !each.isDamaged }));
  });
  const all = (await Promise.all(held)).flat();
  const opening = all.filter(({ opens }) => opens);
  // A damaged one still says that there is a second factor: it goes when another has come.
  const isLast = ({ opens, isDamaged }: (typeof all)[number]) =>
    isDamaged ? opening.length === 0 : opens && opening.length === 1;
  return all.map(({ opens, ...each }) => ({ ...each, isLast: isLast({ ...each, opens }) }));
}

/** Whatever has changed since the account was read has raised its generation. */
async function removal(
  account: Account,
  { id: credential, name, method }: HeldCredential,
  session: string,
  { accounts, sessions, audit, notices }: Needs,
): Promise<Unit> {
  const { id, generation } = account;
  return [
    accounts.raise(id, generation),
    ...(method.credentials?.remove(id, credential) ?? []),
    ...(await sessions.moveOn(id, generation + 1, session, 'second factor removed')),
    audit.record({ kind: 'factor.removed', accountId: id, detail: { method: method.name } }),
    notices.tell(account, { kind: 'factor-removed', name }),
  ];
}
