// Everybody comes to have a second factor; while grace lasts, they may do it later.
import { ACR } from '../../../domain/sessions/assurance.ts';
import type { Facts } from '../../facts.ts';
import { isPossessionProved } from '../second-factor/step.ts';
import type { Step } from '../step.ts';

export const enrolFactor: Step = {
  name: 'enrol-factor',
  isNeeded: (facts) =>
    facts.enrolled.length === 0 &&
    !isPossessionProved(facts) &&
    (facts.grace.kind === 'over' || isMoreWanted(facts) || isOffered(facts)),
  firstParty: {
    status: 403,
    error: 'mfa_enrolment_required',
    description: 'Two-factor authentication must be set up first, on the page at url.',
    needs: 'page',
  },
  skip: (flow, flows) =>
    flow.facts.grace.kind === 'running' && !isMoreWanted(flow.facts)
      ? flows.postpone(flow)
      : undefined,
};

/** What is asked for cannot be reached with a password. */
export function isMoreWanted({ wanted }: Facts): boolean {
  return wanted.kind === 'at-least' && wanted.acr !== ACR.password;
}

function isOffered({ grace, postponed }: Facts): boolean {
  return grace.kind === 'running' && !postponed;
}
