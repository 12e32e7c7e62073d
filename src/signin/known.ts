// What a session that stands already brings along: only what is missing is asked for.
import type { Accounts } from '../store/accounts.ts';
import { type FactorNeeds, stateOf } from './factors.ts';
import type { Known } from './flow.ts';

export interface KnownNeeds extends FactorNeeds {
  readonly accounts: Accounts;
}

interface Session {
  readonly accountId: string;
  readonly generation: number;
  /** Milliseconds. */
  readonly provedAt: number;
}

/** Whoever has no second factor yet proves the password again before they get one. */
export function createFindKnown(needs: KnownNeeds) {
  return async (session: Session | undefined): Promise<Known | undefined> => {
    if (!session) return undefined;
    const account = await needs.accounts.find(session.accountId);
    if (account?.status !== 'active' || account.generation !== session.generation) return undefined;
    const state = await stateOf(account.id, needs);
    return state.enrolled.length === 0 ? undefined : { ...session, ...state };
  };
}

export type FindKnown = ReturnType<typeof createFindKnown>;
