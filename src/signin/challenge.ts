// Sends the code of a method that has one sent, no more often than the limits say.
import type { Audit } from '../domain/audit/audit.ts';
import { auditLimitRefused } from '../domain/audit/locks.ts';
import type { Limited } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Factor } from '../factors/index.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { Flow } from './flow.ts';
import { isOffered } from './offered.ts';
import { dueStep } from './steps/index.ts';

export type ChallengeOutcome = { readonly kind: 'sent' } | Limited | { readonly kind: 'not-due' };

interface Needs {
  readonly accountTable: AccountTable;
  readonly limits: Limits;
  readonly audit: Audit;
}

export type SendChallenge = (flow: Flow, factor: Factor) => Promise<ChallengeOutcome>;

const NOT_DUE: ChallengeOutcome = { kind: 'not-due' };

export function createSendChallenge(needs: Needs): SendChallenge {
  return async ({ row, facts }, factor) => {
    const { accountId = '', generation } = row;
    const isDue = dueStep(facts)?.name === factor.step && isOffered(facts, factor);
    const account = isDue ? await needs.accountTable.find(accountId) : undefined;
    if (!account || account.generation !== generation) return NOT_DUE;
    return send(account, factor, needs);
  };
}

async function send(
  account: Account,
  { name, challenge }: Factor,
  { limits, audit }: Needs,
): Promise<ChallengeOutcome> {
  const sending = challenge?.sending;
  const addressee = await sending?.addressee(account.id);
  if (!sending || addressee === undefined) return NOT_DUE;
  const reservation = await limits.reserveText(account.id, addressee);
  if (reservation.kind === 'limited') {
    await auditLimitRefused(audit, reservation, { method: name, accountId: account.id });
    return reservation;
  }
  // Every message counts, whoever asked for it.
  await reservation.consume(await sending.send(account));
  return { kind: 'sent' };
}
