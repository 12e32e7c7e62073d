// A step is something that must be true before a sign-in ends.
import type { Facts } from '../flow.ts';

export interface Step {
  readonly name: 'sign-in' | 'new-password' | 'second-factor' | 'enrol-factor' | 'backup-codes';
  /** Pure: every fact stands on the flow. */
  isNeeded(facts: Facts): boolean;
}
