// What proves who somebody is, for every endpoint alike.
import { createSignInAudit } from '../signin/audit-events.ts';
import { createSendChallenge } from '../signin/challenge.ts';
import { createFinish } from '../signin/finish.ts';
import { createProve } from '../signin/prove.ts';
import type { Infrastructure } from './infrastructure.ts';
import type { Parts } from './router-deps.ts';

export type Proving = ReturnType<typeof provingOf>;

export function provingOf(infrastructure: Infrastructure, { domain, factors }: Parts) {
  const { accountTable } = infrastructure.tables;
  const signInAudit = createSignInAudit(domain.audit, accountTable);
  const needs = { ...infrastructure, ...domain, accountTable, factors, signInAudit };
  return {
    ...needs,
    prove: createProve(needs),
    finish: createFinish(needs),
    sendChallenge: createSendChallenge(needs),
  };
}
