// A phone number beside the authenticator: confirmed by the code that was texted to it.
import type { Audit } from '../domain/audit/audit.ts';
import { withLimitAudit } from '../domain/audit/locks.ts';
import type { Limited } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { Requester } from '../domain/limits/requester.ts';
import type { Notices } from '../domain/notices/notices.ts';
import type { Phones } from '../factors/index.ts';
import { readSixDigits } from '../lib/typed-codes.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';

export type SendOutcome = { readonly kind: 'sent' } | Limited;

export type AddOutcome =
  | { readonly kind: 'added' }
  | ({ readonly kind: 'refused' } & Remaining)
  /** It cannot be a code, and was not looked at. */
  | { readonly kind: 'malformed' }
  | Limited
  /** There is one already, or the account has changed meanwhile. */
  | { readonly kind: 'void' };

/** Whoever calls has seen to it that the person has just proved who they are. */
export interface AddPhone {
  /** Whether the account may have one, and has none. */
  isOpen(accountId: string): Promise<boolean>;
  send(account: Account, number: string): Promise<SendOutcome>;
  confirm(account: Account, typed: Typed): Promise<AddOutcome>;
}

export interface Typed {
  /** E.164. */
  readonly number: string;
  readonly code: string;
  readonly requester: Requester;
}

interface Needs {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly phones: Phones;
  readonly limits: Limits;
  readonly notices: Notices;
  readonly audit: Audit;
}

export function createAddPhone(needs: Needs): AddPhone {
  const { phones, limits, audit } = needs;
  return {
    isOpen: async (accountId) => phones.isOffered && (await phones.find(accountId)) === undefined,
    send: async ({ id }, number) => {
      const reserved = await limits.reserveText(id, number);
      const reservation = await withLimitAudit(reserved, audit, { method: 'sms', accountId: id });
      if (reservation.kind === 'limited') return reservation;
      await reservation.consume(phones.sendCode(id, number));
      return { kind: 'sent' };
    },
    confirm: async (account, typed) => {
      const { id } = account;
      const code = readSixDigits(typed.code);
      if (code === undefined) return { kind: 'malformed' };
      const reserved = await limits.reserveCode(id, false, typed.requester);
      const reservation = await withLimitAudit(reserved, audit, { method: 'sms', accountId: id });
      if (reservation.kind === 'limited') return reservation;
      const spend = await phones.findCode(id, typed.number, code);
      if (!spend) return { kind: 'refused', ...(await reservation.consume()) };
      await reservation.release();
      return add(account, typed, spend, needs);
    },
  };
}

/** Beside another factor: nothing ends. */
async function add(
  account: Account,
  { number }: Typed,
  spend: Statement,
  { store, accountTable, phones, notices, audit }: Needs,
): Promise<AddOutcome> {
  const { id, generation, factorsRevision } = account;
  const { kind } = await store.commit([
    accountTable.reviseFactors(id, generation, factorsRevision),
    spend,
    phones.add(id, number),
    audit.record({ kind: 'factor.enrolled', accountId: id, detail: { method: 'sms' } }),
    notices.noticeFor(account, { kind: 'factor-added', name: `•••${number.slice(-2)}` }),
  ]);
  return { kind: kind === 'committed' ? 'added' : 'void' };
}
