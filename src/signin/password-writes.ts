// What the end of a sign-in writes of the password: a new one, or what the right one told.
import type { KnownBrowsers } from '../domain/accounts/known-browsers.ts';
import type { Notices } from '../domain/notices/notices.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import { now } from '../lib/clock.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Flow } from './flow.ts';

export interface PasswordWrites {
  /** Must hit: the account is active and of the generation in which the password was proved. */
  readonly unit: Unit;
  /** Of the session that is made afterwards. */
  readonly generation: number;
}

export interface PasswordWriteNeeds {
  readonly accountTable: AccountTable;
  readonly sessions: Sessions;
  readonly knownBrowsers: KnownBrowsers;
  readonly notices: Notices;
}

interface Whose {
  readonly account: Account;
  /** In which the password was proved. */
  readonly generation: number;
  /** The session of this browser, if it is this person's. */
  readonly session: string | undefined;
  /** Its cookie of known browsers. */
  readonly browser: string | undefined;
}

export async function passwordWrites(
  { row, facts: { password } }: Flow,
  { account, generation, session, browser }: Whose,
  { accountTable, sessions, knownBrowsers, notices }: PasswordWriteNeeds,
): Promise<PasswordWrites> {
  const accountId = account.id;
  const hash = row.stagedHash;
  const policyVersion = password?.learned;
  if (password?.staged === 'new' && hash !== undefined) {
    const next = generation + 1;
    const made = { hash, policyVersion, at: now() };
    const moved = await sessions.endOthers(accountId, next, session, 'password changed');
    const unit = [
      accountTable.changePassword(accountId, generation, made),
      ...moved,
      await knownBrowsers.forget(accountId, browser),
      notices.noticeFor(account, { kind: 'password-changed' }),
    ];
    return { unit, generation: next };
  }
  const learned = { hash, policyVersion };
  const isNews = Object.values(learned).some((each) => each !== undefined);
  const guard = accountTable.guard(accountId, generation);
  const unit = isNews ? [guard, accountTable.learn(accountId, generation, learned)] : [guard];
  return { unit, generation };
}
