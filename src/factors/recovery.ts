// Recovery codes: made for people together, each good once where no other factor is at hand.
import type { Statement, Unit } from '../store/statement.ts';

export interface RecoveryCodes {
  /** The factor that verifies them. Names addresses and the file that a person keeps. */
  readonly name: string;
  readonly views: RecoveryViews;
  /** How many codes of the account are unused. Undefined: none were ever made. */
  left(accountId: string): Promise<number | undefined>;
  /**
   * The codes that belong to a context, as they are shown. They are the same at each call, so that
   * a page can be loaded again, and are not stored.
   */
  offer(context: string): readonly string[];
  /** Makes the codes of the context count, and those before them no longer. */
  renew(accountId: string, context: string): Unit;
  /** What spends the code, in whatever spelling; undefined where it is none of the account's. */
  find(accountId: string, typed: string): Promise<FoundCode | undefined>;
  /** Removes all codes of the account. */
  forget(accountId: string): Statement;
}

export interface FoundCode {
  /** Fails the unit unless the code is still unused. */
  readonly spend: Statement;
  /** How many remain afterwards. */
  readonly left: number;
}

/** Names of views, and where the catalogue has their texts. */
export interface RecoveryViews {
  /** Shows new codes in a sign-in. */
  readonly save: string;
  /** Offers new ones where few are left. */
  readonly few: string;
  /** Shows new codes on the account page. */
  readonly account: string;
  /** `<texts>.not-saved` */
  readonly texts: string;
  /** `<accountTexts>.replace` */
  readonly accountTexts: string;
}

export const MADE_AT_ONCE = 10;
/** With fewer codes than this left, new ones are offered. */
export const FEW = 3;
