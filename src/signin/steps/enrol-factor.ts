// Everybody comes to have a second factor; while grace lasts, they may do it later.
import { ACR } from '../../domain/sessions/assurance.ts';
import type { Facts } from '../flow.ts';
import type { Step } from './step.ts';

export const enrolFactor: Step = {
  name: 'enrol-factor',
  isNeeded: (facts) =>
    facts.enrolled.length === 0 &&
    (facts.grace.kind === 'over' || isMoreWanted(facts) || isOffered(facts)),
};

/** What is asked for cannot be reached with a password. */
export function isMoreWanted({ wanted }: Facts): boolean {
  return wanted.kind === 'at-least' && wanted.acr !== ACR.password;
}

function isOffered({ grace, postponed }: Facts): boolean {
  return grace.kind === 'running' && !postponed;
}
