// First of all: who is it? Something they know must have been proved.
import { isProved } from '../../../domain/sessions/assurance.ts';
import type { Step } from '../step.ts';

export const signIn: Step = {
  name: 'sign-in',
  isNeeded: ({ proofs }) => !isProved(proofs, 'knowledge'),
};
