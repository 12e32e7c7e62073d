// Sends the code of a method that has one sent, no more often than the limits say.
import type { Audit } from '../domain/audit/audit.ts';
import { tellRefused } from '../domain/audit/locks.ts';
import type { Limited } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Method } from '../methods/index.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Flow } from './flow.ts';
import { dueStep } from './steps/index.ts';

export type ChallengeOutcome = { readonly kind: 'sent' } | Limited | { readonly kind: 'not-due' };

interface Needs {
  readonly accounts: Accounts;
  readonly limits: Limits;
  readonly audit: Audit;
}

export type SendChallenge = (flow: Flow, method: Method) => Promise<ChallengeOutcome>;

const NOT_DUE: ChallengeOutcome = { kind: 'not-due' };

export function createSendChallenge(needs: Needs): SendChallenge {
  return async ({ row, facts }, method) => {
    const { accountId = '', generation } = row;
    const isDue = dueStep(facts)?.name === method.step && facts.enrolled.includes(method.name);
    const account = isDue ? await needs.accounts.find(accountId) : undefined;
    if (!account || account.generation !== generation) return NOT_DUE;
    return send(account, method, needs);
  };
}

async function send(
  account: Account,
  { name, challenge }: Method,
  { limits, audit }: Needs,
): Promise<ChallengeOutcome> {
  const addressee = await challenge?.addressee(account.id);
  if (!challenge || addressee === undefined) return NOT_DUE;
  const ticket = await limits.reserveText(account.id, addressee);
  if (ticket.kind === 'limited') {
    await tellRefused(audit, ticket, { method: name, accountId: account.id });
    return ticket;
  }
  // Every message counts, whoever asked for it.
  await ticket.failed(await challenge.send(account));
  return { kind: 'sent' };
}
