// Two-factor authentication: the page that asks for a second factor.
import { createFactorPage, type FactorPageNeeds } from '../factor-page.ts';
import { secondFactor } from './step.ts';

export const createSecondFactorPage = (needs: FactorPageNeeds) =>
  createFactorPage(secondFactor, needs);
