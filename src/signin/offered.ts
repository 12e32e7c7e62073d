// Which factors a sign-in may be proved with.
import type { Factor } from '../factors/index.ts';
import type { Facts } from './facts.ts';

/** First factors are open to everyone, second factors only to accounts that have enrolled them. */
export function isOffered({ enrolled }: Facts, { step, name }: Factor): boolean {
  return step === 'sign-in' || enrolled.includes(name);
}
