// What an operator does to an account: each act one unit, with its reason.
import { GatehouseError } from '../lib/errors.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { OneTimeLinks } from './links.ts';
import type { Notices } from './notices.ts';
import { type EndsWithPassword, endsWithPassword } from './password-resets.ts';

/** Who does it, and why. */
export interface Cause {
  /** An account's id, or `cli:USER`. */
  readonly actor: string;
  readonly reason: string;
  readonly ticket?: string | undefined;
}

export interface ActResult {
  /** A one-time link for the person, shown this once. */
  readonly link?: string;
}

/** Throws `invalid_input` without a reason, `store_conflict` when the account changes meanwhile. */
export type AccountAct = (account: Account, cause: Cause) => Promise<ActResult>;

export interface AccountActs {
  /** The old password stops working, and everything that was signed in ends. */
  readonly resetPassword: AccountAct;
}

export interface AccountActNeeds extends EndsWithPassword {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly links: OneTimeLinks;
  readonly notices: Notices;
}

interface Planned {
  readonly unit: Unit;
  readonly result: ActResult;
}

type Plan = (account: Account, cause: Cause, needs: AccountActNeeds) => Promise<Planned>;

export function createAccountActs(needs: AccountActNeeds): AccountActs {
  const act =
    (plan: Plan): AccountAct =>
    async (account, cause) => {
      assertReason(cause);
      const { unit, result } = await plan(account, cause, needs);
      // The audit row of the act joins this unit.
      await needs.store.write(...unit);
      return result;
    };
  return { resetPassword: act(resetPassword) };
}

function assertReason({ reason }: Cause): void {
  if (reason.trim() !== '') return;
  throw new GatehouseError('invalid_input', { message: 'This needs a reason.' });
}

const resetPassword: Plan = async (account, { actor }, needs) => {
  if (account.status === 'suspended') {
    const message = 'The account is suspended: nobody could use the link.';
    throw new GatehouseError('invalid_input', { message });
  }
  const { accounts, links, notices } = needs;
  const after = { id: account.id, generation: account.generation + 1 };
  const link = links.create(after, 'reset-password', actor);
  const unit = [
    accounts.dropPassword(account.id, account.generation),
    ...(await endsWithPassword(account, needs)),
    ...link.unit,
    notices.tell(account, { kind: 'admin-reset-password' }),
  ];
  return { unit, result: { link: link.url } };
};
