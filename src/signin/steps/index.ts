// The steps in their order. The first one still needed is shown, whatever was asked for.
import type { Facts } from '../facts.ts';
import { enrolFactor } from './enrol-factor/step.ts';
import { newPassword } from './new-password/step.ts';
import { saveRecoveryCodes } from './recovery-codes/step.ts';
import { secondFactor } from './second-factor/step.ts';
import { signIn } from './sign-in/step.ts';
import type { Step } from './step.ts';

export type { Step };

export const STEPS: readonly Step[] = [
  signIn,
  newPassword,
  secondFactor,
  enrolFactor,
  saveRecoveryCodes,
];

/** The step that is due; undefined when nothing stands between this flow and its end. */
export function dueStep(facts: Facts): Step | undefined {
  return STEPS.find((step) => step.isNeeded(facts));
}

/** Where in the sign-in one is: `{ step: 2, of: 3 }`. */
export function progressOf(facts: Facts): { readonly step: number; readonly of: number } {
  const factors = new Set(facts.proofs.map((proof) => proof.factor)).size;
  const passed = factors + (facts.password?.staged === 'new' ? 1 : 0);
  const due = STEPS.filter((step) => step.isNeeded(facts));
  // Whoever enrols is shown backup codes next.
  const next = due.includes(enrolFactor) ? 1 : 0;
  return { step: passed + 1, of: passed + due.length + next };
}
