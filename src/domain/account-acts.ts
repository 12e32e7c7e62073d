// What an operator does to an account: each act one unit, with its reason.
import { now } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { Audit } from './audit/audit.ts';
import type { AuditKind } from './audit/kinds.ts';
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
  /** Nothing of it works any more, at once. */
  readonly suspend: AccountAct;
  /** As it was before it was suspended or locked; whoever was signed in signs in again. */
  readonly activate: AccountAct;
  /** Ends a lock, and forgets all wrong passwords and codes. */
  readonly unlock: AccountAct;
  /** All second factors are gone: the next sign-in sets up a new one, with no grace. */
  readonly resetFactors: AccountAct;
  /** The old password stops working, and everything that was signed in ends. */
  readonly resetPassword: AccountAct;
  readonly delete: AccountAct;
}

export interface AccountActNeeds extends EndsWithPassword {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly links: OneTimeLinks;
  readonly notices: Notices;
  readonly audit: Audit;
  readonly resetFactors: (accountId: string) => Promise<Unit>;
}

interface Planned {
  readonly unit: Unit;
  readonly kind: ActKind;
  readonly result?: ActResult;
}

type ActKind = Extract<AuditKind, `account.${string}` | `admin.reset_${string}`>;
type Plan = (account: Account, cause: Cause, needs: AccountActNeeds) => Promise<Planned>;

export function createAccountActs(needs: AccountActNeeds): AccountActs {
  const act =
    (plan: Plan): AccountAct =>
    async (account, cause) => {
      const { actor, reason, ticket } = cause;
      assertReason(cause);
      const { unit, kind, result = {} } = await plan(account, cause, needs);
      const detail = ticket === undefined ? {} : { ticket };
      const event = { kind, accountId: account.id, actor, reason, detail };
      await needs.store.write(...unit, needs.audit.record(event));
      return result;
    };
  return {
    suspend: act(suspend),
    activate: act(activate),
    unlock: act(unlock),
    resetFactors: act(resetFactors),
    resetPassword: act(resetPassword),
    delete: act(remove),
  };
}

function assertReason({ reason }: Cause): void {
  if (reason.trim() === '') throw refusal('This needs a reason.');
}

function refusal(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}

const suspend: Plan = async (account, _cause, { accounts, sessions }) => {
  if (account.status === 'suspended') throw refusal('The account is suspended already.');
  const ended = await sessions.moveOn(account.id, 0, undefined, 'account suspended');
  const status = accounts.setStatus(account.id, 'suspended', now());
  return { kind: 'account.suspended', unit: [status, ...ended] };
};

const activate: Plan = async (account, _cause, { accounts }) => {
  if (account.status === 'active') throw refusal('The account is active already.');
  return { kind: 'account.activated', unit: [accounts.setStatus(account.id, 'active', now())] };
};

const unlock: Plan = async (account, _cause, { accounts, limits }) => {
  if (account.status === 'suspended') {
    throw refusal('The account is suspended, not locked: activate it instead.');
  }
  const isLocked = account.status === 'locked';
  const status = isLocked ? [accounts.setStatus(account.id, 'active', now())] : [];
  return { kind: 'account.unlocked', unit: [...status, ...limits.clearAccount(account)] };
};

const resetFactors: Plan = async (account, _cause, needs) => ({
  kind: 'admin.reset_2fa',
  unit: [
    ...(await needs.resetFactors(account.id)),
    ...needs.limits.clearAccount(account),
    needs.notices.tell(account, { kind: 'admin-reset-2fa' }),
  ],
});

const resetPassword: Plan = async (account, { actor }, needs) => {
  if (account.status === 'suspended') {
    throw refusal('The account is suspended: nobody could use the link.');
  }
  const { accounts, links, notices } = needs;
  const after = { id: account.id, generation: account.generation + 1 };
  const link = links.create(after, 'reset-password', actor);
  const unit = [
    accounts.dropPassword(account.id, account.generation),
    ...(await endsWithPassword(account, 'password reset by an operator', needs)),
    ...needs.limits.clearAccount(account),
    ...link.unit,
    notices.tell(account, { kind: 'admin-reset-password' }),
  ];
  return { kind: 'admin.reset_password', unit, result: { link: link.url } };
};

const remove: Plan = async (account, _cause, needs) => ({
  kind: 'account.deleted',
  unit: [
    ...(await endsWithPassword(account, 'account deleted', needs)),
    ...needs.limits.clearAccount(account),
    needs.accounts.delete(account.id),
  ],
});
