// What an account has of second factors, by name: to be renamed, and to be removed but for the last.
import type { Audit } from '../domain/audit/audit.ts';
import type { Notices } from '../domain/notices/notices.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import type { EnrolledFactor } from '../factors/factor.ts';
import type { Factor } from '../factors/index.ts';
import type { Log } from '../lib/log.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';

export interface AccountFactor extends EnrolledFactor {
  readonly factor: Factor;
  /** Without it, nothing of the account would open it or keep it closed: it cannot be removed. */
  readonly isLast: boolean;
}

export interface AccountCredentials {
  list(accountId: string): Promise<readonly AccountFactor[]>;
  /** Whether the account may have one more of this method. */
  hasRoom(accountId: string, factor: Factor): Promise<boolean>;
  /** @returns whether the account has it */
  rename(account: Account, owned: AccountFactor, name: string): Promise<boolean>;
  /**
   * Nobody is left without a second factor: the last one stays.
   * @param held as it was listed after the account was read
   * @param session of this browser: it goes on, all others end
   * @returns whether it was there, and the account as it was found
   */
  remove(account: Account, owned: AccountFactor, session: string): Promise<boolean>;
}

interface Needs {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly sessions: Sessions;
  readonly factors: readonly Factor[];
  readonly audit: Audit;
  readonly notices: Notices;
  readonly log: Log;
}

export function createAccountCredentials(needs: Needs): AccountCredentials {
  const { store, accountTable, factors, log } = needs;
  const isDone = async (unit: Unit) => await store.tryCommit(unit);
  return {
    list: (accountId) => list(accountId, factors),
    hasRoom: async (accountId, { credentials }) =>
      credentials !== undefined && (await credentials.list(accountId)).length < credentials.atMost,
    rename: async ({ id, generation }, owned, name) => {
      const renamed = owned.factor.credentials?.rename?.(id, owned.id, name);
      return renamed !== undefined && isDone([accountTable.guard(id, generation), renamed]);
    },
    remove: async (account, owned, session) => {
      if (owned.isLast || !(await isDone(await removal(account, owned, session, needs))))
        return false;
      log.info({ account: account.id, method: owned.factor.name }, 'factor removed');
      return true;
    },
  };
}

async function list(
  accountId: string,
  factors: readonly Factor[],
): Promise<readonly AccountFactor[]> {
  const owned = factors.map(async (factor) => {
    const own = (await factor.credentials?.list(accountId)) ?? [];
    // What is switched off opens nothing.
    const isOpen = own.length > 0 && (await factor.isEnrolled(accountId));
    return own.map((each) => ({ ...each, factor, opens: isOpen && !each.isDamaged }));
  });
  const all = (await Promise.all(owned)).flat();
  const opening = all.filter(({ opens }) => opens);
  // A damaged one still says that there is a second factor: it goes when another has come.
  const isLast = ({ opens, isDamaged }: (typeof all)[number]) =>
    isDamaged ? opening.length === 0 : opens && opening.length === 1;
  return all.map(({ opens, ...each }) => ({ ...each, isLast: isLast({ ...each, opens }) }));
}

/** Whatever has changed since the account was read has raised its generation. */
async function removal(
  account: Account,
  { id: credential, name, factor }: AccountFactor,
  session: string,
  { accountTable, sessions, audit, notices }: Needs,
): Promise<Unit> {
  const { id, generation } = account;
  return [
    accountTable.bumpGeneration(id, generation),
    ...(factor.credentials?.remove(id, credential) ?? []),
    ...(await sessions.endOthers(id, generation + 1, session, 'second factor removed')),
    audit.record({ kind: 'factor.removed', accountId: id, detail: { method: factor.name } }),
    notices.noticeFor(account, { kind: 'factor-removed', name }),
  ];
}

/** A factor that people can add by themselves. */
export type Enrolling = Factor & Required<Pick<Factor, 'enrolment'>>;

export const isEnrolling = (factor: Factor): factor is Enrolling => factor.enrolment !== undefined;
