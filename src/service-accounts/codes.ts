// What becomes of the code that a service account sends beside its assertion.
import type { Limited } from '../domain/limits/attempt.ts';
import type { Remaining } from '../domain/limits/remaining.ts';

export type CodeOutcome =
  | { readonly kind: 'proved' }
  /** It has no authenticator. */
  | { readonly kind: 'not-asked' }
  | ({ readonly kind: 'refused'; readonly reason: string } & Remaining)
  /** Not looked at: too many before it were wrong. */
  | Limited;

/** @param typed undefined where no code was sent: it counts like a wrong one */
export type ProveCode = (accountId: string, typed: string | undefined) => Promise<CodeOutcome>;
