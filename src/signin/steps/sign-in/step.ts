// First of all: who is it? Something they know must have been proved.
import type { Step } from '../step.ts';

export const signIn: Step = {
  name: 'sign-in',
  isNeeded: ({ proofs }) => !proofs.some((proof) => proof.factor === 'knowledge'),
};
