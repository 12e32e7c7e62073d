// A new password in place of one that gives way: judged, hashed, and staged until the sign-in ends.
import type { Hashing } from '../../../domain/passwords/hashing.ts';
import type { PasswordPolicy, Rule } from '../../../domain/passwords/policy.ts';
import type { Account, AccountTable } from '../../../store/accounts.ts';
import type { Store } from '../../../store/store.ts';
import type { SignInAudit } from '../../audit-events.ts';
import type { Flow, Flows } from '../../flow.ts';
import { dueStep } from '../index.ts';

export type RenewOutcome =
  | { readonly kind: 'staged' }
  | { readonly kind: 'unmet'; readonly rules: readonly Rule[] }
  /** It is the one that gives way. */
  | { readonly kind: 'same' }
  /** This sign-in takes no more of them. */
  | { readonly kind: 'exhausted' }
  /** Another step is due, or the flow has moved on meanwhile. */
  | { readonly kind: 'not-due' };

export interface RenewNeeds {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly flows: Flows;
  readonly hashing: Hashing;
  readonly passwords: PasswordPolicy;
  /** New passwords tried in one sign-in. */
  readonly candidates: number;
  readonly signInAudit: SignInAudit;
}

/** Throws `busy` when too many passwords are being hashed. */
export type Renew = (flow: Flow, password: string) => Promise<RenewOutcome>;

export function createRenew(needs: RenewNeeds): Renew {
  return async (flow, password) => {
    if (dueStep(flow.facts)?.name !== 'new-password') return { kind: 'not-due' };
    if (isExhausted(flow, needs.candidates)) {
      await needs.signInAudit.notStaged(flow, 'too many candidates');
      return { kind: 'exhausted' };
    }
    // Counted before it is looked at: tries side by side cannot be more than those in a row.
    const counted = await needs.flows.countCandidate(flow);
    const account = await needs.accountTable.find(flow.row.accountId ?? '');
    if (!counted || !account) return { kind: 'not-due' };
    return judgeAndStage(counted, account, password, needs);
  };
}

export function isExhausted({ facts }: Flow, candidates: number): boolean {
  return (facts.password?.candidates ?? 0) >= candidates;
}

async function judgeAndStage(
  flow: Flow,
  account: Account,
  password: string,
  needs: RenewNeeds,
): Promise<RenewOutcome> {
  const { hashing, passwords, signInAudit } = needs;
  const { met, rules } = passwords.checkPassword(password, account);
  const unmet = rules.filter((each) => !each.met).map(({ rule }) => rule);
  if (!met) {
    await signInAudit.notStaged(flow, 'policy unmet', unmet.length);
    return { kind: 'unmet', rules: unmet };
  }
  // Nothing is told of a password that is newer than this sign-in: it ends nowhere in any case.
  const old = account.generation === flow.row.generation ? account.passwordHash : undefined;
  if (old && (await hashing.verify(old, password)) !== 'wrong') {
    await signInAudit.notStaged(flow, 'the same password');
    return { kind: 'same' };
  }
  return stage(flow, await hashing.hash(password), needs);
}

async function stage(
  flow: Flow,
  hash: string,
  { store, flows, passwords, signInAudit }: RenewNeeds,
): Promise<RenewOutcome> {
  const staged = flows.stage(flow, hash, passwords.newest);
  const isDone = await store.tryCommit([staged, signInAudit.staged(flow)]);
  return { kind: isDone ? 'staged' : 'not-due' };
}
