// What every way of proving who you are looks like: one folder each, listed in index.ts alone.
import type { z } from 'zod';
import type { Account } from '../store/accounts.ts';
import type { Statement, Unit } from '../store/statement.ts';

/** Which step of a sign-in the method serves. */
export type FactorStep = 'sign-in' | 'second-factor';

export interface Factor<Input = unknown> {
  /** The name of its folder, of its address and in audit rows. */
  readonly name: string;
  readonly step: FactorStep;
  readonly proves: 'knowledge' | 'possession';
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
  /** For a method whose code must be sent first. */
  readonly challenge?: Challenge;
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
}

export interface Attempt<Input> {
  /** Undefined for the method that finds out who it is. */
  readonly account: Account | undefined;
  readonly input: Input;
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
  readonly input: z.ZodType<Input>;
  /** As that of the method. */
  findFlaw?(input: Input): string | undefined;
  /**
   * What the page shows.
   * @param occasion of the sign-in or session: the same secret is offered on the same occasion
   */
  offer(account: Account, offerContext: string): Promise<Readonly<Record<string, unknown>>>;
  /** Called by `enrol` alone. */
  confirm(attempt: EnrolmentAttempt<Input>): Promise<EnrolmentVerdict>;
}

export interface EnrolmentAttempt<Input> {
  readonly account: Account;
  readonly offerContext: string;
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
  /** Where the code would go, so that only its owner can tell: `45`. */
  hint(accountId: string): Promise<string | undefined>;
  /** Statements that send a code. */
  send(account: Account): Promise<Unit>;
  /** The addressee as limits count it; undefined: there is none. */
  addressee(accountId: string): Promise<string | undefined>;
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
