// How many wrong guesses there may be: counted before a secret is looked at, shared by all processes.
import type { LimitsConfig } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import type { Vault } from '../../lib/vault.ts';
import type { Counter, Counters } from '../../store/limits.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import { emailKey } from '../emails.ts';
import type { KnownBrowsers } from '../known-browsers.ts';
import { type Limited, type Plan, type Reservation, reserve } from './attempt.ts';
import { standingOf } from './counting.ts';
import { createPlans } from './plans.ts';
import type { Policy, Rule } from './policies.ts';
import type { Fingerprint, Visitor } from './visitor.ts';

export type Ticket = Reservation | Limited;

export interface Limits {
  /** @param identifier the key of an e-mail address, whether there is such an account or not */
  reserveSignIn(identifier: string, visitor: Visitor): Promise<Ticket>;
  /** @param isLastResort the method still opens an account after too many wrong codes in a row */
  reserveCode(accountId: string, isLastResort: boolean, visitor: Visitor): Promise<Ticket>;
  /** Counted when the current password was wrong, and when a change was written. */
  reservePasswordChange(accountId: string): Promise<Ticket>;
  /** For a text message: as `failed` it stays counted. */
  reserveText(accountId: string, number: string): Promise<Ticket>;
  /** For a mail that anybody may ask for: as `failed` it stays counted, whoever has the address. */
  reserveMail(identifier: string): Promise<Ticket>;
  reserveLink(visitor: Fingerprint): Promise<Ticket>;
  /** For a secret that has turned out wrong already. */
  reserveClientSecret(caller: Fingerprint): Promise<Ticket>;
  reserveUserCode(visitor: Fingerprint): Promise<Ticket>;
  /** What a finished sign-in changes, and the cookie that makes its browser known, if it is one. */
  finished(account: Subject, visitor: Visitor): Promise<Finished>;
  /** Clears the counters of passwords: for whoever reset theirs by mail. Those of codes stay. */
  clearPasswords(account: Subject): readonly Statement[];
  /** Clears all counters of an account: for what an operator does. */
  clearAccount(account: Counted): readonly Statement[];
  /** What refuses attempts on an account now, in all ranges and browsers; longest first. */
  findClosed(account: Counted): Promise<readonly Closed[]>;
}

export interface Finished {
  readonly unit: Unit;
  readonly browser: string | undefined;
  /** The account knew the browser before. */
  readonly isKnown: boolean;
}

export interface Closed {
  readonly rule: Rule;
  readonly failures: number;
  /** Milliseconds; undefined: time alone does not open it. */
  readonly until: number | undefined;
}

/** Whose attempts are counted. A service account has no address. */
export interface Counted {
  readonly id: string;
  readonly email?: string;
}

export interface Subject extends Counted {
  readonly email: string;
}

export interface LimitsNeeds {
  readonly config: LimitsConfig;
  readonly store: Store;
  readonly counters: Counters;
  readonly knownBrowsers: KnownBrowsers;
  readonly vault: Vault;
}

/** Everything throws `store_unavailable` when the counters cannot be read or moved. */
export function createLimits(needs: LimitsNeeds): Limits {
  const { store, counters, knownBrowsers } = needs;
  const plans = createPlans(needs.config, needs.vault);
  const attempt = (plan: Plan) => reserve(plan, { counters, commit: store.commit });

  const reserveSignIn = async (identifier: string, visitor: Visitor) => {
    const browser = await knownBrowsers.find({ emailKey: identifier }, visitor.browser);
    const known = browser && plans.knownBrowser(identifier, browser);
    return attempt(known || plans.stranger(identifier, visitor));
  };

  const reserveCode = async (accountId: string, isLastResort: boolean, visitor: Visitor) => {
    const browser = await knownBrowsers.find({ accountId }, visitor.browser);
    return attempt(plans.code(accountId, isLastResort, browser));
  };

  const cleared = ({ email }: Subject, visitor: Visitor, row: string | undefined) =>
    plans.clearedBy(emailKey(email), visitor, row).map((key) => counters.delete(key));

  const finished = async (account: Subject, visitor: Visitor): Promise<Finished> => {
    if (visitor.isApplication) {
      const unit = cleared(account, visitor, undefined);
      return { unit, browser: undefined, isKnown: false };
    }
    const { unit, row, cookie } = await knownBrowsers.remember(account.id, visitor.browser);
    const isKnown = row !== undefined;
    return { unit: [...unit, ...cleared(account, visitor, row)], browser: cookie, isKnown };
  };

  const subjectsOf = ({ id, email }: Counted) =>
    [...(email === undefined ? [] : [emailKey(email)]), id].map(plans.subjectOf);

  const findClosed = async (account: Counted) => {
    const found = await Promise.all(subjectsOf(account).map(counters.ofSubject));
    const closed = found
      .flat()
      .flatMap((counter) => closedBy(counter, plans.policyOf(counter.rule)));
    return closed.sort((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity));
  };

  return {
    findClosed,
    reserveSignIn: (identifier, visitor) => orRefuse(() => reserveSignIn(identifier, visitor)),
    reserveCode: (...args) => orRefuse(() => reserveCode(...args)),
    reservePasswordChange: (id) => orRefuse(() => attempt(plans.passwordChange(id))),
    reserveText: (...args) => orRefuse(() => attempt(plans.text(...args))),
    reserveMail: (identifier) => orRefuse(() => attempt(plans.mail(identifier))),
    reserveLink: (visitor) => orRefuse(() => attempt(plans.link(visitor))),
    reserveClientSecret: (caller) => orRefuse(() => attempt(plans.clientSecret(caller))),
    reserveUserCode: (visitor) => orRefuse(() => attempt(plans.userCode(visitor))),
    finished: (account, visitor) => orRefuse(() => finished(account, visitor)),
    clearPasswords: ({ email }) => [counters.deleteOf(plans.subjectOf(emailKey(email)))],
    clearAccount: (account) => subjectsOf(account).map(counters.deleteOf),
  };
}

function closedBy(counter: Counter, policy: Policy | undefined): Closed[] {
  if (!policy) return [];
  const standing = standingOf(counter, policy, now());
  if (standing.kind === 'open') return [];
  return [{ rule: policy.rule, failures: counter.failures, until: standing.until }];
}

/** Without its counters nothing is let through: not even where the database says what is amiss. */
async function orRefuse<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isGatehouseError(cause)) throw cause;
    throw new GatehouseError('store_unavailable', { cause, retryAfter: 5 });
  }
}
