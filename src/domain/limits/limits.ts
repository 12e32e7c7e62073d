// How many wrong guesses there may be: counted before a secret is looked at, shared by all processes.
import type { LimitsConfig } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import { noteInRequest } from '../../lib/request-context.ts';
import type { Vault } from '../../lib/vault.ts';
import type { Counter, CounterTable } from '../../store/limits.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import { normalizedEmail } from '../accounts/emails.ts';
import type { KnownBrowsers } from '../accounts/known-browsers.ts';
import { type Limited, type Plan, type Reservation, reserve, type Seen } from './attempt.ts';
import { countOf, restartOf, standingOf } from './counting.ts';
import { createLanes } from './lanes.ts';
import { createPlans } from './plans.ts';
import type { Policy, Rule } from './policies.ts';
import type { Requester } from './requester.ts';

export type ReserveOutcome = Reservation | Limited;

export interface Limits {
  /** @param identifier the key of an e-mail address, whether there is such an account or not */
  reserveSignIn(identifier: string, requester: Requester): Promise<ReserveOutcome>;
  /** @param isLastResort the method still opens an account after too many wrong codes in a row */
  reserveCode(
    accountId: string,
    isLastResort: boolean,
    requester: Requester,
  ): Promise<ReserveOutcome>;
  /** Counted when the current password was wrong, and when a change was written. */
  reservePasswordChange(accountId: string): Promise<ReserveOutcome>;
  /** For a text message: as `failed` it stays counted. */
  reserveText(accountId: string, number: string): Promise<ReserveOutcome>;
  /**
   * For a mail that anybody may ask for: as `failed` it stays counted, whoever has the address.
   * @param address of whoever asks
   */
  reserveMail(identifier: string, address: string): Promise<ReserveOutcome>;
  /** For one that has turned out to be none. */
  reserveLink(address: string): Promise<ReserveOutcome>;
  /** For a secret that has turned out wrong already. */
  reserveClientSecret(address: string): Promise<ReserveOutcome>;
  reserveUserCode(address: string): Promise<ReserveOutcome>;
  /** Counts a request that waits for a person, in the unit that writes it. */
  openRequest(from: Opener): OpenRequest;
  /** What was counted `at` waits no longer. */
  closeRequest(key: string, at: number): Statement;
  /**
   * What a finished sign-in changes, and what makes its browser or application known.
   * @param hasFactor a second factor was proved in it
   */
  finished(account: Subject, requester: Requester, hasFactor: boolean): Promise<Finished>;
  /** Clears the counters of passwords: for whoever reset theirs by mail. Those of codes stay. */
  clearPasswords(account: Subject): readonly Statement[];
  /** Clears all counters of an account: for what an operator does. */
  clearAccount(account: Counted): readonly Statement[];
  /** What refuses attempts on an account now, in all ranges and browsers; longest first. */
  findClosed(account: Counted): Promise<readonly Closed[]>;
}

/** A network address, or the row of a known browser. */
export type Opener = { readonly range: string } | { readonly browser: string };

export interface OpenRequest {
  readonly key: string;
  /** The first must hit: there is room for another one. */
  readonly count: Unit;
  /** Milliseconds: when there is room again. */
  findEnd(): Promise<number | undefined>;
}

export interface Finished {
  readonly unit: Unit;
  /** For a browser its cookie, for an application its token. */
  readonly browser: string;
  /** The account knew the browser, or the application's token, before. */
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
  readonly counterTable: CounterTable;
  readonly knownBrowsers: KnownBrowsers;
  readonly vault: Vault;
}

/** Everything throws `store_unavailable` when the counters cannot be read or moved. */
export function createLimits(needs: LimitsNeeds): Limits {
  const { store, counterTable, knownBrowsers } = needs;
  const plans = createPlans(needs.config, needs.vault);
  const attempts = { counterTable, commit: store.commit, lanes: createLanes<Seen>() };
  const attempt = (plan: Plan) => reserve(plan, attempts);

  const reserveSignIn = async (identifier: string, requester: Requester) => {
    const browser = await knownBrowsers.find({ normalizedEmail: identifier }, requester);
    if (!browser) return attempt(plans.stranger(identifier, requester));
    noteInRequest({ isKnown: true });
    return attempt(plans.knownBrowser(identifier, browser.id));
  };

  /** One that became known by a password alone may be whoever else knows it. */
  const reserveCode = async (accountId: string, isLastResort: boolean, requester: Requester) => {
    const browser = await knownBrowsers.find({ accountId }, requester);
    return attempt(
      plans.code(accountId, isLastResort, browser?.hasFactor ? browser.id : undefined),
    );
  };

  const cleared = ({ email }: Subject, requester: Requester, row: string | undefined) =>
    plans.clearedBy(normalizedEmail(email), requester, row).map((key) => counterTable.delete(key));

  /** Typing errors that end well leave nothing to those who share the address. */
  const takenBack = ({ email }: Subject, requester: Requester) =>
    plans
      .sharesOf(normalizedEmail(email), requester)
      .flatMap(({ key, shareOf = '' }) => counterTable.takeBack(key, shareOf));

  const finished = async (
    account: Subject,
    requester: Requester,
    hasFactor: boolean,
  ): Promise<Finished> => {
    const { unit, row, kept } = await knownBrowsers.remember(account.id, requester, hasFactor);
    return {
      unit: [...unit, ...cleared(account, requester, row), ...takenBack(account, requester)],
      browser: kept,
      isKnown: row !== undefined,
    };
  };

  const subjectsOf = ({ id, email }: Counted) =>
    [...(email === undefined ? [] : [normalizedEmail(email)]), id].map(plans.subjectOf);

  const findClosed = async (account: Counted) => {
    const found = await Promise.all(subjectsOf(account).map(counterTable.ofSubject));
    const closed = found
      .flat()
      .flatMap((counter) => closedBy(counter, plans.policyOf(counter.rule)));
    return closed.sort((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity));
  };

  const openRequest = (from: Opener): OpenRequest => {
    const at = now();
    const slot = plans.openRequest(from);
    const { key } = slot;
    return {
      key,
      // It is settled in the unit that reserves it: nothing is in flight.
      count: [counterTable.reserve(countOf(slot, at)), counterTable.fail(key, at)],
      findEnd: async () => {
        const counter = (await counterTable.find([key])).get(key);
        return counter && restartOf(counter, slot.policy);
      },
    };
  };

  return {
    openRequest,
    closeRequest: counterTable.giveBack,
    findClosed,
    reserveSignIn: (identifier, requester) => orRefuse(() => reserveSignIn(identifier, requester)),
    reserveCode: (...args) => orRefuse(() => reserveCode(...args)),
    reservePasswordChange: (id) => orRefuse(() => attempt(plans.passwordChange(id))),
    reserveText: (...args) => orRefuse(() => attempt(plans.text(...args))),
    reserveMail: (...args) => orRefuse(() => attempt(plans.mail(...args))),
    reserveLink: (address) => orRefuse(() => attempt(plans.link(address))),
    reserveClientSecret: (address) => orRefuse(() => attempt(plans.clientSecret(address))),
    reserveUserCode: (address) => orRefuse(() => attempt(plans.userCode(address))),
    finished: (...args) => orRefuse(() => finished(...args)),
    clearPasswords: ({ email }) => [counterTable.deleteOf(plans.subjectOf(normalizedEmail(email)))],
    clearAccount: (account) => subjectsOf(account).map(counterTable.deleteOf),
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
