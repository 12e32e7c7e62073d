// What an operator does to an account: each act one unit, with its reason.
import { now } from '../../lib/clock.ts';
import { GatehouseError } from '../../lib/errors.ts';
import type { Account, AccountTable } from '../../store/accounts.ts';
import type { Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import type { AuditKind } from '../audit/kinds.ts';
import type { Notices } from '../notices/notices.ts';
import type { OneTimeLinks } from './links.ts';
import { type EndsWithPassword, endsWithPassword } from './password-resets.ts';

/** Who does it, and why. */
export interface OperatorReason {
  /** An account's id, or `cli:USER`. */
  readonly actor: string;
  readonly reason: string;
  readonly ticket?: string | undefined;
}

export interface OperationResult {
  /** A one-time link for the person, shown this once. */
  readonly link?: string;
}

/** Throws `invalid_input` without a reason, `store_conflict` when the account changes meanwhile. */
export type AccountOperation = (
  account: Account,
  cause: OperatorReason,
) => Promise<OperationResult>;

export interface AccountOperations {
  /** Nothing of it works any more, at once. */
  readonly suspend: AccountOperation;
  /** As it was before it was suspended or locked; whoever was signed in signs in again. */
  readonly activate: AccountOperation;
  /** Ends a lock, and forgets all wrong passwords and codes. */
  readonly unlock: AccountOperation;
  /** All second factors are gone: the next sign-in sets up a new one, with no grace. */
  readonly resetFactors: AccountOperation;
  /** The old password stops working, and everything that was signed in ends. */
  readonly resetPassword: AccountOperation;
  readonly delete: AccountOperation;
}

export interface AccountOperationNeeds extends EndsWithPassword {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly links: OneTimeLinks;
  readonly notices: Notices;
  readonly audit: Audit;
  readonly resetFactors: (accountId: string) => Promise<Unit>;
}

interface Planned {
  readonly unit: Unit;
  readonly kind: ActKind;
  readonly result?: OperationResult;
}

type ActKind = Extract<AuditKind, `account.${string}` | `admin.reset_${string}`>;
type Plan = (
  account: Account,
  cause: OperatorReason,
  needs: AccountOperationNeeds,
) => Promise<Planned>;

export function createAccountOperations(needs: AccountOperationNeeds): AccountOperations {
  const act =
    (plan: Plan): AccountOperation =>
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

function assertReason({ reason }: OperatorReason): void {
  if (reason.trim() === '') throw refusal('This needs a reason.');
}

function refusal(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}

const suspend: Plan = async (account, _cause, { accountTable, sessions }) => {
  if (account.status === 'suspended') throw refusal('The account is suspended already.');
  const ended = await sessions.endOthers(account.id, 0, undefined, 'account suspended');
  const status = accountTable.setStatus(account.id, 'suspended', now());
  return { kind: 'account.suspended', unit: [status, ...ended] };
};

const activate: Plan = async (account, _cause, { accountTable }) => {
  if (account.status === 'active') throw refusal('The account is active already.');
  return { kind: 'account.activated', unit: [accountTable.setStatus(account.id, 'active', now())] };
};

const unlock: Plan = async (account, _cause, { accountTable, limits }) => {
  if (account.status === 'suspended') {
    throw refusal('The account is suspended, not locked: activate it instead.');
  }
  const isLocked = account.status === 'locked';
  const status = isLocked ? [accountTable.setStatus(account.id, 'active', now())] : [];
  return { kind: 'account.unlocked', unit: [...status, ...limits.clearAccount(account)] };
};

const resetFactors: Plan = async (account, _cause, needs) => ({
  kind: 'admin.reset_2fa',
  unit: [
    ...(await needs.resetFactors(account.id)),
    ...needs.limits.clearAccount(account),
    needs.notices.noticeFor(account, { kind: 'admin-reset-2fa' }),
  ],
});

const resetPassword: Plan = async (account, { actor }, needs) => {
  if (account.status === 'suspended') {
    throw refusal("The account is suspended, so the link couldn't be used.");
  }
  const { accountTable, links, notices } = needs;
  const after = { id: account.id, generation: account.generation + 1 };
  const link = links.create(after, 'reset-password', actor);
  const unit = [
    accountTable.dropPassword(account.id, account.generation),
    ...(await endsWithPassword(account, 'password reset by an operator', needs)),
    ...needs.limits.clearAccount(account),
    ...link.unit,
    notices.noticeFor(account, { kind: 'admin-reset-password' }),
  ];
  return { kind: 'admin.reset_password', unit, result: { link: link.url } };
};

const remove: Plan = async (account, _cause, needs) => ({
  kind: 'account.deleted',
  unit: [
    ...(await endsWithPassword(account, 'account deleted', needs)),
    ...needs.limits.clearAccount(account),
    needs.accountTable.delete(account.id),
  ],
});
