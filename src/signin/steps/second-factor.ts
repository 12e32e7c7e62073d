// Whoever has a second factor proves it at every sign-in.
import type { Step } from './step.ts';

export const secondFactor: Step = {
  name: 'second-factor',
  isNeeded: ({ enrolled, proofs }) =>
    enrolled.length > 0 && !proofs.some((proof) => proof.factor === 'possession'),
};
