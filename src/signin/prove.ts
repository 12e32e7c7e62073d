// The one place where a credential is looked at: no door has another.
import { mayComeFrom } from '../domain/accounts/allowed-addresses.ts';
import type { Limited, Reservation } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { Requester } from '../domain/limits/requester.ts';
import { CODE_USED } from '../domain/notices/notices.ts';
import type { Proof } from '../domain/sessions/assurance.ts';
import { type Rejection, rejected, type Verdict } from '../factors/factor.ts';
import { failClosed } from '../factors/fail-closed.ts';
import type { Factor } from '../factors/index.ts';
import { now, toIso } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { logRefusal } from '../lib/refusal-lines.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { SignInAudit } from './audit-events.ts';
import { type FactorState, type FactorStateNeeds, stateOf } from './factor-state.ts';
import { type FirstProofNeeds, firstProof } from './first-proof.ts';
import { type Flow, type Flows, flowContextOf } from './flow.ts';
import { type NotifyOwnerNeeds, notifyOwnerOfLimit, whoseAttempt } from './limit-notice.ts';
import { isOffered } from './offered.ts';
import { dueStep } from './steps/index.ts';

export type ProveOutcome =
  | { readonly kind: 'proved' }
  | ({ readonly kind: 'refused'; readonly hint?: Hint | undefined } & Remaining)
  /** Not looked at: too many before it were wrong. */
  | Limited
  | Malformed
  /** Whoever it is has shown the right password: the account is closed, or not used from here. */
  | NotAllowed
  /** Another step is due, or the flow has moved on meanwhile. */
  | { readonly kind: 'not-due' };

/** No guess: neither looked at nor counted. */
export interface Malformed {
  readonly kind: 'malformed';
  /** Key of the catalogue. */
  readonly flaw: string;
  /** A method of the account whose credential it looks like instead. */
  readonly instead: Factor | undefined;
}

/** `code` is public and stable. */
export interface NotAllowed {
  readonly kind: 'not-allowed';
  readonly code: 'ip_not_allowed' | 'account_suspended' | 'access_denied';
}

export const NOT_ALLOWED: NotAllowed = { kind: 'not-allowed', code: 'ip_not_allowed' };
export const NO_ACCESS: NotAllowed = { kind: 'not-allowed', code: 'access_denied' };
const SUSPENDED: NotAllowed = { kind: 'not-allowed', code: 'account_suspended' };
export const ADDRESS_NOT_ALLOWED = 'address not allowed';

type Hint = NonNullable<Rejection['hint']>;

export interface ProveNeeds extends FirstProofNeeds, FactorStateNeeds, NotifyOwnerNeeds {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly flows: Flows;
  readonly limits: Limits;
  readonly signInAudit: SignInAudit;
  readonly log: Log;
}

export interface CredentialInput {
  readonly factor: Factor;
  readonly input: unknown;
  readonly requester: Requester;
  /** The person wants this device remembered. */
  readonly trust?: boolean;
}

export type Prove = (flow: Flow, given: CredentialInput) => Promise<ProveOutcome>;

const NOT_DUE: ProveOutcome = { kind: 'not-due' };

/**
 * Throws `busy` when too many passwords are being hashed, `store_unavailable` when attempts cannot
 * be counted.
 */
export function createProve(needs: ProveNeeds): Prove {
  return async (flow, given) => {
    const { factor } = given;
    if (dueStep(flow.facts)?.name !== factor.step) return NOT_DUE;
    const known = await accountOf(flow, needs.accountTable);
    // Nothing is looked at, so that a code is not told to be right.
    if (known && !mayComeFrom(known, given.requester.address)) {
      await needs.signInAudit.turnedBack(flow, given, ADDRESS_NOT_ALLOWED);
      return NOT_ALLOWED;
    }
    const malformed = findMalformed(flow, given, needs);
    if (malformed) return malformed;
    if (!isOffered(flow.facts, factor)) return NOT_DUE;
    const reservation = await reserve(flow, given, needs.limits);
    if (reservation.kind === 'limited') {
      const { rule } = reservation;
      const fields = { method: factor.name, rule };
      const words = 'attempt refused by a limit';
      logRefusal(needs.log, { level: 'warn', what: `limit ${rule}`, fields, words });
      await needs.signInAudit.limited(flow, given, reservation);
      return reservation;
    }
    const outcome = await attempt(flow, given, known, reservation, needs);
    if (outcome.kind === 'refused')
      await notifyOwnerOfLimit(outcome, whoseAttempt(flow, given), needs);
    return outcome;
  };
}

/**
 * What somebody who is signed in knows, typed once more for a change that wants it. The caller has
 * reserved the attempt and settles it; where this throws, it is given back.
 */
export type ProveAgain = (
  account: Account,
  secret: string,
  reservation: Reservation,
) => Promise<Verdict>;

export function createProveAgain({
  factors,
  log,
}: Pick<ProveNeeds, 'factors' | 'log'>): ProveAgain {
  const factor = factors.find(({ step, proves }) => step === 'sign-in' && proves === 'knowledge');
  return async (account, secret, reservation) => {
    const read = factor?.input.safeParse({ email: account.email, password: secret });
    if (!factor || !read?.success) return { kind: 'refused', reason: 'not to be read' };
    return verify(factor, { account, input: read.data, context: '', at: now() }, reservation, log);
  };
}

function findMalformed(
  { facts }: Flow,
  { factor, input }: CredentialInput,
  { factors, log }: ProveNeeds,
): Malformed | undefined {
  const flaw = factor.findFlaw?.(input);
  if (flaw === undefined) return undefined;
  log.info({ method: factor.name, flaw }, 'no guess');
  const others = factors.filter(({ name, findFlaw }) => findFlaw && facts.enrolled.includes(name));
  const instead = others.find((other) => other.findFlaw?.(input) === undefined);
  return { kind: 'malformed', flaw, instead };
}

/** The counters move before anything is looked at, and stay moved unless it turns out right. */
function reserve(flow: Flow, { factor, input, requester }: CredentialInput, limits: Limits) {
  const { accountId } = flow.row;
  if (factor.step === 'second-factor' && accountId !== undefined) {
    return limits.reserveCode(accountId, factor.isLastResort ?? false, requester);
  }
  // Who comes back from another provider has guessed nothing here.
  if (factor.redirect) return limits.reserveLink(requester.address);
  const identifier = factor.identify?.(input);
  if (identifier === undefined) throw new GatehouseError('internal');
  return limits.reserveSignIn(identifier, requester);
}

async function attempt(
  flow: Flow,
  given: CredentialInput,
  account: Account | undefined,
  reservation: Reservation,
  needs: ProveNeeds,
): Promise<ProveOutcome> {
  const { factor, input } = given;
  const at = now();
  const verdict = await verify(
    factor,
    { account, input, context: flowContextOf(flow), at },
    reservation,
    needs.log,
  );
  if (verdict.kind === 'refused' && verdict.closed) {
    return tellClosed(flow, given, verdict, reservation, needs);
  }
  if (verdict.kind === 'refused') return refuseGuess(flow, given, verdict, reservation, needs);
  if (flow.row.accountId !== undefined && flow.row.accountId !== verdict.account.id) {
    return refuseGuess(flow, given, rejected('of another account'), reservation, needs);
  }
  if (!mayComeFrom(verdict.account, given.requester.address)) {
    return rejectNetwork(flow, given, verdict.account, reservation, needs);
  }
  const outcome = await recordProof(flow, given, verdict, at, needs);
  const isSpent = outcome.kind === 'conflict' && outcome.at < verdict.spend.length;
  // Somebody has used this very credential before: a wrong one, however right it looks.
  if (isSpent) return refuseGuess(flow, given, rejected('used before'), reservation, needs);
  await reservation.succeed();
  return outcome.kind === 'committed' ? { kind: 'proved' } : NOT_DUE;
}

/**
 * A form that was sent twice is no guess: this sign-in has got its second factor by the other one.
 * A guesser, who has none, gets nothing back by that; and for who has, a right code forgets the
 * wrong ones in any case. Never so with passwords: a right one may be of another account.
 */
async function refuseGuess(
  flow: Flow,
  given: CredentialInput,
  refusal: Rejection,
  reservation: Reservation,
  needs: ProveNeeds,
): Promise<ProveOutcome> {
  const isFactor = given.factor.step === 'second-factor';
  if (!isFactor || !(await needs.flows.hasProvedMore(flow))) {
    return refuse(flow, given, refusal, reservation, needs);
  }
  await reservation.release();
  return NOT_DUE;
}

/** The password is right: its owner is told why it opens nothing, and that is no failure. */
async function tellClosed(
  flow: Flow,
  given: CredentialInput,
  { reason }: Rejection,
  reservation: Reservation,
  { signInAudit, log }: ProveNeeds,
): Promise<ProveOutcome> {
  log.info({ method: given.factor.name, reason }, 'credential refused');
  await reservation.release();
  await signInAudit.refused(flow, given, reason);
  return SUSPENDED;
}

/**
 * The password is right, and the network is not. It is no success and so stays counted: asking
 * whether a password still holds is not free anywhere.
 */
async function rejectNetwork(
  flow: Flow,
  given: CredentialInput,
  { id }: Account,
  reservation: Reservation,
  { signInAudit, log }: ProveNeeds,
): Promise<ProveOutcome> {
  const fields = { method: given.factor.name, account: id };
  logRefusal(log, { what: ADDRESS_NOT_ALLOWED, fields, words: ADDRESS_NOT_ALLOWED });
  const remaining = await reservation.consume();
  await signInAudit.refused(flow, given, ADDRESS_NOT_ALLOWED);
  if (remaining.left === 0) {
    await signInAudit.exhausted(flow, given, remaining, reservation.claim(remaining));
  }
  return NOT_ALLOWED;
}

async function refuse(
  flow: Flow,
  given: CredentialInput,
  { reason, hint, burn }: Rejection,
  reservation: Reservation,
  { signInAudit, log }: ProveNeeds,
): Promise<ProveOutcome> {
  const method = given.factor.name;
  const fields = { method, reason };
  logRefusal(log, { what: `credential ${method}`, fields, words: 'credential refused' });
  const remaining = await reservation.consume(burn);
  await signInAudit.refused(flow, given, reason);
  const { left, rule, retryAt } = remaining;
  if (left === 0) {
    const until = retryAt === undefined ? 'opened' : toIso(retryAt);
    const fields = { method, rule, account: flow.row.accountId, until };
    const words = 'a limit is reached';
    logRefusal(log, { level: 'warn', what: `${words}: ${rule}`, fields, words });
    await signInAudit.exhausted(flow, given, remaining, reservation.claim(remaining));
  }
  return { kind: 'refused', ...remaining, hint };
}

async function accountOf({ row }: Flow, accountTable: AccountTable): Promise<Account | undefined> {
  return row.accountId === undefined ? undefined : accountTable.find(row.accountId);
}

function verify(
  factor: Factor,
  attempt: Parameters<Factor['verify']>[0],
  reservation: Reservation,
  log: Log,
): Promise<Verdict> {
  return failClosed(() => factor.verify(attempt), factor.name, reservation, log);
}

async function recordProof(
  flow: Flow,
  { factor, requester, trust = false }: CredentialInput,
  verdict: Verdict & { kind: 'proved' },
  at: number,
  needs: ProveNeeds,
) {
  const { account, spend, finding } = verdict;
  const proof: Proof = { method: factor.name, factor: factor.proves, amr: factor.amr, at };
  // Read when the password was proved and never again: what changes meanwhile voids the flow.
  const generation = flow.row.generation ?? account.generation;
  const isFirst = flow.facts.proofs.length === 0;
  const state = await stateOf(account.id, needs);
  const found = { ...withOpenFactors(account, state), generation };
  const first = isFirst ? await firstProof(found, requester, at, needs) : none;
  const proved = {
    proof,
    accountId: account.id,
    generation,
    ...state,
    ...(verdict.left === undefined ? {} : { codesLeft: verdict.left }),
    ...first.facts,
    finding,
    trust: flow.facts.trust || (trust && factor.canTrust === true),
  };
  const { left } = verdict;
  const recorded = needs.signInAudit.proved(flow, factor, proved, left);
  const told = left === undefined ? [] : [needs.notices.noticeFor(account, usedUp(left))];
  const record = needs.flows.record(flow, proved);
  return needs.store.commit([...spend, record, ...first.unit, ...recorded, ...told]);
}

/** A factor that was switched off opens nothing: an account with no other has none. */
function withOpenFactors(account: Account, { enrolled }: FactorState): Account {
  return enrolled.length > 0 ? account : { ...account, mfaEnrolledAt: undefined };
}

const usedUp = (left: number) => ({ kind: CODE_USED, left }) as const;

const none = { facts: {}, unit: [] };
