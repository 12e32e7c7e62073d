// What every way of proving who you are looks like: one folder each, listed in index.ts alone.
import type { z } from 'zod';
import type { Proves } from '../domain/sessions/assurance.ts';
import type { Account } from '../store/accounts.ts';
import type { Statement, Unit } from '../store/statement.ts';

/** Which step of a sign-in the method serves. */
export type FactorStep = 'sign-in' | 'second-factor';

export interface Factor<Input = unknown> {
  /** The name of its folder, of its address and in audit rows. */
  readonly name: string;
  readonly step: FactorStep;
  readonly proves: Proves;
  /** RFC 8176 values. */
  readonly amr: readonly string[];
  /** Reads the form or JSON; issues name the fields. */
  readonly input: z.ZodType<Input>;
  readonly page: FactorPage;
  /** For a method that takes a code: the member of a JSON request that holds it. */
  readonly member?: string;
  isEnrolled(accountId: string): Promise<boolean>;
  /**
   * For a method that finds out who it is: whose attempts are counted together, equal for every
   * spelling.
   */
  identify?(input: Input): string;
  /**
   * Why what was typed cannot be a credential of this method at all, as a key of the catalogue;
   * undefined where it can. What cannot be one is no guess: it is neither looked at nor counted.
   */
  findFlaw?(input: Input): string | undefined;
  /** Still opens an account after too many wrong codes in a row. */
  readonly isLastResort?: boolean;
  /** Whoever has proved it may have this device remembered. */
  readonly canTrust?: boolean;
  /**
   * Looks at a credential. Knows nothing of limits, audit, sessions or HTTP; an exception counts
   * as refused. Called by `prove` alone.
   */
  verify(attempt: Attempt<Input>): Promise<Verdict>;
  /** How a person comes to have it. */
  readonly enrolment?: Enrolment;
  /** What its page shows of the account, or must do before a person can answer. */
  readonly challenge?: Challenge;
  /** For a factor whose proof is made elsewhere: an upstream provider. */
  readonly redirect?: Redirecting;
  /** What of it an account has, by name. */
  readonly credentials?: EnrolledFactors;
}

export interface FactorPage {
  /** Absolute path of the EJS file with its fields. */
  readonly view: string;
  /** Keys of the message catalogue. */
  readonly title: string;
  readonly button: string;
  readonly link: string;
  /** Where the catalogue says that it was wrong: `<texts>.refused`, `<texts>.again`. */
  readonly texts: string;
  /** Scripts of `public/` that its fields want. */
  readonly scripts?: readonly string[];
  /** A forgotten one is replaced through `Forgot password?`. */
  readonly canReset?: boolean;
}

export interface Attempt<Input> {
  /** Undefined for the method that finds out who it is. */
  readonly account: Account | undefined;
  readonly input: Input;
  /** Of the sign-in, as `Challenge.offer` and `Redirecting.begin` were given it. */
  readonly context: string;
  /** Milliseconds. */
  readonly at: number;
}

/** What the plain text of a right password told; kept with the sign-in until its end. */
export interface PasswordFinding {
  /** The policy in force is not met: a new password is due. */
  readonly unmet: boolean;
  /** A newer version of the policy than the account remembers is met. */
  readonly learned: number | undefined;
  /** The same password, hashed anew. */
  readonly rehash: string | undefined;
}

export interface Rejection {
  readonly kind: 'refused';
  /** For log and audit; the person reads the same words for all of them. */
  readonly reason: string;
  /** Key of the message catalogue: what a person may know besides. */
  readonly hint?: { readonly key: string; readonly values?: Readonly<Record<string, number>> };
  /** The credential was right, and the account is closed: whoever proved that much is told. */
  readonly closed?: 'suspended';
  /** What the guess has spoilt; written with the failure, before the hint is told. */
  readonly burn?: Unit;
}

export type Verdict =
  | {
      readonly kind: 'proved';
      readonly account: Account;
      /** What spends the credential; it joins the unit that records the proof. */
      readonly spend: Unit;
      readonly finding?: PasswordFinding;
      /** For a method that is used up: how many of its codes remain after this one. */
      readonly left?: number;
    }
  | Rejection;

export function rejected(reason: string): Rejection {
  return { kind: 'refused', reason };
}

export interface Enrolment<Input = unknown> {
  readonly page: EnrolmentPage;
  /** Whether this account may have it. Yes when left out. */
  isOffered?(accountId: string): Promise<boolean>;
  /** What the person must send first, such as a number that a code is texted to. */
  readonly start?: EnrolmentStart;
  readonly input: z.ZodType<Input>;
  /** As that of the factor. */
  findFlaw?(input: Input): string | undefined;
  /** Who guesses could be right, so that attempts are counted as those of codes are. */
  readonly isGuessable?: boolean;
  /**
   * What the first screen shows.
   * @param context of the sign-in or session: the same secret is offered in the same context
   */
  offer(account: Account, context: string): Promise<Readonly<Record<string, unknown>>>;
  /** Called by `enrol` only. */
  confirm(attempt: EnrolmentAttempt<Input>): Promise<EnrolmentVerdict>;
}

/** Two screens: the first offers, the second confirms. */
export interface EnrolmentPage {
  /** Absolute paths of the EJS files with what each screen shows. */
  readonly offer: string;
  readonly confirm: string;
  /** Scripts of `public/` that the first screen wants. */
  readonly scripts?: readonly string[];
  /** Where the catalogue has `title`, `add`, `why`, `why-code`, `next`, `back`, `submit`, `done`. */
  readonly texts: string;
}

export interface EnrolmentStart<Input = unknown> {
  readonly input: z.ZodType<Input>;
  /** The addressee as limits count it. */
  addressee(input: Input): string;
  /** Statements that send the code. */
  send(account: Account, input: Input): Unit;
  /** What the second screen shows again, and its form sends along. Never a secret. */
  keep(input: Input): Readonly<Record<string, string>>;
}

export interface EnrolmentAttempt<Input> {
  readonly account: Account;
  readonly context: string;
  readonly input: Input;
  /** Milliseconds. */
  readonly at: number;
}

export type EnrolmentVerdict =
  | {
      readonly kind: 'confirmed';
      /** What makes the account have it. */
      readonly unit: Unit;
      /** What the person calls it. */
      readonly label: string;
    }
  | Rejection;

export interface Challenge {
  /**
   * Data for the view: where a code goes, so that only its owner can tell, or what a script needs.
   * @param context of the sign-in, which `verify` gets, too
   */
  offer(account: Account, context: string): Promise<Readonly<Record<string, unknown>>>;
  /** For a factor whose code must be sent first. */
  readonly sending?: Sending;
}

export interface Sending {
  /** Statements that send a code. */
  send(account: Account): Promise<Unit>;
  /** The addressee as limits count it; undefined: there is none. */
  addressee(accountId: string): Promise<string | undefined>;
}

/** The browser goes to another provider and comes back with parameters, which `verify` gets. */
export interface Redirecting {
  /**
   * Where the browser goes.
   * @param request its `state` must come back unchanged, at `returnTo`
   */
  begin(request: RedirectRequest): Promise<string>;
}

export interface RedirectRequest {
  readonly state: string;
  /** The one address of this factor that the provider sends browsers back to. */
  readonly returnTo: string;
  readonly context: string;
}

export interface EnrolledFactor {
  readonly id: string;
  readonly name: string;
  readonly usedAt: number | undefined;
  readonly createdAt: number;
  /** It opens nothing any more: what is left is to remove it. */
  readonly isDamaged?: boolean;
}

export interface EnrolledFactors {
  /** How many an account may have. */
  readonly atMost: number;
  list(accountId: string): Promise<readonly EnrolledFactor[]>;
  /** Must hit. Undefined: it has no name to change. */
  readonly rename?: (accountId: string, id: string, name: string) => Statement;
  /** Must hit. */
  remove(accountId: string, id: string): Unit;
  /** For a reset. */
  removeAll(accountId: string): Unit;
}
