// What every way of proving who you are looks like: one folder each, listed in index.ts alone.
import type { z } from 'zod';
import type { Account } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';

/** Which step of a sign-in the method serves. */
export type MethodStep = 'sign-in' | 'second-factor';

export interface Method<Input = unknown> {
  /** The name of its folder, of its address and in audit rows. */
  readonly name: string;
  readonly step: MethodStep;
  readonly factor: 'knowledge' | 'possession';
  /** RFC 8176 values. */
  readonly amr: readonly string[];
  /** Reads the form or JSON; issues name the fields. */
  readonly input: z.ZodType<Input>;
  readonly page: MethodPage;
  isEnrolled(accountId: string): Promise<boolean>;
  /**
   * For a method that finds out who it is: whose attempts are counted together, equal for every
   * spelling.
   */
  identify?(input: Input): string;
  /** Still opens an account after too many wrong codes in a row. */
  readonly isLastResort?: boolean;
  /**
   * Looks at a credential. Knows nothing of limits, audit, sessions or HTTP; an exception counts
   * as refused. Called by `prove` alone.
   */
  verify(attempt: Attempt<Input>): Promise<Verdict>;
}

export interface MethodPage {
  /** Absolute path of the EJS file with its fields. */
  readonly view: string;
  /** Keys of the message catalogue. */
  readonly title: string;
  readonly button: string;
  readonly link: string;
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

export type Verdict =
  | {
      readonly kind: 'proved';
      readonly account: Account;
      /** What spends the credential; it joins the unit that records the proof. */
      readonly spend: Unit;
      readonly finding?: PasswordFinding;
    }
  | {
      readonly kind: 'refused';
      /** For log and audit; the person reads the same words for all of them. */
      readonly reason: string;
    };

export function refused(reason: string): Verdict {
  return { kind: 'refused', reason };
}
