// Sign in: the page that asks for a first factor.
import { createFactorPage, type FactorPageNeeds } from '../factor-page.ts';
import { signIn } from './step.ts';

export const createSignInPage = (needs: FactorPageNeeds) => createFactorPage(signIn, needs);
