// What a session that stands already brings along: only what is missing is asked for.
import type { AccountTable } from '../store/accounts.ts';
import { type FactorStateNeeds, stateOf } from './factor-state.ts';
import type { ProvedSession } from './facts.ts';

export interface ProvedSessionNeeds extends FactorStateNeeds {
  readonly accountTable: AccountTable;
}

interface Session {
  readonly accountId: string;
  readonly generation: number;
  /** Milliseconds. */
  readonly provedAt: number;
}

/** Whoever has no second factor yet proves the password again before they get one. */
export function createFindProvedSession(needs: ProvedSessionNeeds) {
  return async (session: Session | undefined): Promise<ProvedSession | undefined> => {
    if (!session) return undefined;
    const account = await needs.accountTable.find(session.accountId);
    if (account?.status !== 'active' || account.generation !== session.generation) return undefined;
    const state = await stateOf(account.id, needs);
    return state.enrolled.length === 0 ? undefined : { ...session, ...state };
  };
}

export type FindProvedSession = ReturnType<typeof createFindProvedSession>;
