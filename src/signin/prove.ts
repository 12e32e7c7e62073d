// The one place where a credential is looked at: no door has another.
import { mayComeFrom } from '../domain/account-addresses.ts';
import type { Proof } from '../domain/assurance.ts';
import type { Limited, Reservation } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { Visitor } from '../domain/limits/visitor.ts';
import { now, toIso } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { logRefusal } from '../lib/refusal-lines.ts';
import type { Method } from '../methods/index.ts';
import { type Refusal, refused, type Verdict } from '../methods/method.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { SignInAudit } from './audit-events.ts';
import { type FactorNeeds, type FactorState, stateOf } from './factors.ts';
import { type FirstProofNeeds, firstProof } from './first-proof.ts';
import type { Flow, FlowsDomain } from './flow.ts';
import { guarded } from './guarded.ts';
import { dueStep } from './steps/index.ts';
import { type TellOfLimitNeeds, tellOfLimit, whoseAttempt } from './tell-of-limit.ts';

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
  readonly instead: Method | undefined;
}

/** `code` is public and stable. */
export interface NotAllowed {
  readonly kind: 'not-allowed';
  readonly code: 'ip_not_allowed' | 'account_suspended';
}

export const NOT_ALLOWED: NotAllowed = { kind: 'not-allowed', code: 'ip_not_allowed' };
const SUSPENDED: NotAllowed = { kind: 'not-allowed', code: 'account_suspended' };
export const ADDRESS_NOT_ALLOWED = 'address not allowed';

type Hint = NonNullable<Refusal['hint']>;

export interface ProveNeeds extends FirstProofNeeds, FactorNeeds, TellOfLimitNeeds {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly flows: FlowsDomain;
  readonly limits: Limits;
  readonly signInAudit: SignInAudit;
  readonly log: Log;
}

export interface Given {
  readonly method: Method;
  readonly input: unknown;
  readonly visitor: Visitor;
  /** The person wants this device remembered. */
  readonly trust?: boolean;
}

export type Prove = (flow: Flow, given: Given) => Promise<ProveOutcome>;

const NOT_DUE: ProveOutcome = { kind: 'not-due' };

/**
 * Throws `busy` when too many passwords are being hashed, `store_unavailable` when attempts cannot
 * be counted.
 */
export function createProve(needs: ProveNeeds): Prove {
  return async (flow, given) => {
    const { method } = given;
    if (dueStep(flow.facts)?.name !== method.step) return NOT_DUE;
    const known = await accountOf(flow, needs.accounts);
    // Nothing is looked at, so that a code is not told to be right.
    if (known && !mayComeFrom(known, given.visitor.address)) {
      await needs.signInAudit.turnedBack(flow, given, ADDRESS_NOT_ALLOWED);
      return NOT_ALLOWED;
    }
    const malformed = findMalformed(flow, given, needs);
    if (malformed) return malformed;
    const ticket = await takeTicket(flow, given, needs.limits);
    if (ticket.kind === 'limited') {
      const { rule } = ticket;
      const fields = { method: method.name, rule };
      const words = 'attempt refused by a limit';
      logRefusal(needs.log, { level: 'warn', what: `limit ${rule}`, fields, words });
      await needs.signInAudit.limited(flow, given, ticket);
      return ticket;
    }
    const outcome = await attempt(flow, given, known, ticket, needs);
    if (outcome.kind === 'refused') await tellOfLimit(outcome, whoseAttempt(flow, given), needs);
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
  ticket: Reservation,
) => Promise<Verdict>;

export function createProveAgain({
  methods,
  log,
}: Pick<ProveNeeds, 'methods' | 'log'>): ProveAgain {
  const method = methods.find(({ step, factor }) => step === 'sign-in' && factor === 'knowledge');
  return async (account, secret, ticket) => {
    const read = method?.input.safeParse({ email: account.email, password: secret });
    if (!method || !read?.success) return { kind: 'refused', reason: 'not to be read' };
    return judge(method, { account, input: read.data, at: now() }, ticket, log);
  };
}

function findMalformed(
  { facts }: Flow,
  { method, input }: Given,
  { methods, log }: ProveNeeds,
): Malformed | undefined {
  const flaw = method.findFlaw?.(input);
  if (flaw === undefined) return undefined;
  log.info({ method: method.name, flaw }, 'no guess');
  const others = methods.filter(({ name, findFlaw }) => findFlaw && facts.enrolled.includes(name));
  const instead = others.find((other) => other.findFlaw?.(input) === undefined);
  return { kind: 'malformed', flaw, instead };
}

/** The counters move before anything is looked at, and stay moved unless it turns out right. */
function takeTicket(flow: Flow, { method, input, visitor }: Given, limits: Limits) {
  const { accountId } = flow.row;
  if (method.step === 'second-factor' && accountId !== undefined) {
    return limits.reserveCode(accountId, method.isLastResort ?? false, visitor);
  }
  const identifier = method.identify?.(input);
  if (identifier === undefined) throw new GatehouseError('internal');
  return limits.reserveSignIn(identifier, visitor);
}

async function attempt(
  flow: Flow,
  given: Given,
  account: Account | undefined,
  ticket: Reservation,
  needs: ProveNeeds,
): Promise<ProveOutcome> {
  const { method, input } = given;
  const at = now();
  const verdict = await judge(method, { account, input, at }, ticket, needs.log);
  if (verdict.kind === 'refused' && verdict.closed) {
    return tellClosed(flow, given, verdict, ticket, needs);
  }
  if (verdict.kind === 'refused') return refuseGuess(flow, given, verdict, ticket, needs);
  if (!mayComeFrom(verdict.account, given.visitor.address)) {
    return turnAway(flow, given, verdict.account, ticket, needs);
  }
  const outcome = await recordProof(flow, given, verdict, at, needs);
  const isSpent = outcome.kind === 'missed' && outcome.at < verdict.spend.length;
  // Somebody has used this very credential before: a wrong one, however right it looks.
  if (isSpent) return refuseGuess(flow, given, refused('used before'), ticket, needs);
  await ticket.passed();
  return outcome.kind === 'committed' ? { kind: 'proved' } : NOT_DUE;
}

/**
 * A form that was sent twice is no guess: this sign-in has got its second factor by the other one.
 * A guesser, who has none, gets nothing back by that; and for who has, a right code forgets the
 * wrong ones in any case. Never so with passwords: a right one may be of another account.
 */
async function refuseGuess(
  flow: Flow,
  given: Given,
  refusal: Refusal,
  ticket: Reservation,
  needs: ProveNeeds,
): Promise<ProveOutcome> {
  const isFactor = given.method.step === 'second-factor';
  if (!isFactor || !(await needs.flows.hasProvedMore(flow))) {
    return refuse(flow, given, refusal, ticket, needs);
  }
  await ticket.returned();
  return NOT_DUE;
}

/** The password is right: its owner is told why it opens nothing, and that is no failure. */
async function tellClosed(
  flow: Flow,
  given: Given,
  { reason }: Refusal,
  ticket: Reservation,
  { signInAudit, log }: ProveNeeds,
): Promise<ProveOutcome> {
  log.info({ method: given.method.name, reason }, 'credential refused');
  await ticket.returned();
  await signInAudit.refused(flow, given, reason);
  return SUSPENDED;
}

/**
 * The password is right, and the network is not. It is no success and so stays counted: asking
 * whether a password still holds is not free anywhere.
 */
async function turnAway(
  flow: Flow,
  given: Given,
  { id }: Account,
  ticket: Reservation,
  { signInAudit, log }: ProveNeeds,
): Promise<ProveOutcome> {
  const fields = { method: given.method.name, account: id };
  logRefusal(log, { what: ADDRESS_NOT_ALLOWED, fields, words: ADDRESS_NOT_ALLOWED });
  const remaining = await ticket.failed();
  await signInAudit.refused(flow, given, ADDRESS_NOT_ALLOWED);
  if (remaining.left === 0) {
    await signInAudit.exhausted(flow, given, remaining, ticket.claim(remaining));
  }
  return NOT_ALLOWED;
}

async function refuse(
  flow: Flow,
  given: Given,
  { reason, hint, burn }: Refusal,
  ticket: Reservation,
  { signInAudit, log }: ProveNeeds,
): Promise<ProveOutcome> {
  const method = given.method.name;
  const fields = { method, reason };
  logRefusal(log, { what: `credential ${method}`, fields, words: 'credential refused' });
  const remaining = await ticket.failed(burn);
  await signInAudit.refused(flow, given, reason);
  const { left, rule, retryAt } = remaining;
  if (left === 0) {
    const until = retryAt === undefined ? 'opened' : toIso(retryAt);
    const fields = { method, rule, account: flow.row.accountId, until };
    const words = 'a limit is reached';
    logRefusal(log, { level: 'warn', what: `${words}: ${rule}`, fields, words });
    await signInAudit.exhausted(flow, given, remaining, ticket.claim(remaining));
  }
  return { kind: 'refused', ...remaining, hint };
}

async function accountOf({ row }: Flow, accounts: Accounts): Promise<Account | undefined> {
  return row.accountId === undefined ? undefined : accounts.find(row.accountId);
}

function judge(
  method: Method,
  attempt: Parameters<Method['verify']>[0],
  ticket: Reservation,
  log: Log,
): Promise<Verdict> {
  return guarded(() => method.verify(attempt), method.name, ticket, log);
}

async function recordProof(
  flow: Flow,
  { method, visitor, trust = false }: Given,
  verdict: Verdict & { kind: 'proved' },
  at: number,
  needs: ProveNeeds,
) {
  const { account, spend, finding } = verdict;
  const proof: Proof = { method: method.name, factor: method.factor, amr: method.amr, at };
  // Read when the password was proved and never again: what changes meanwhile voids the flow.
  const generation = flow.row.generation ?? account.generation;
  const isFirst = flow.facts.proofs.length === 0;
  const state = await stateOf(account.id, needs);
  const found = { ...withOpenFactors(account, state), generation };
  const first = isFirst ? await firstProof(found, visitor, at, needs) : none;
  const proved = {
    proof,
    accountId: account.id,
    generation,
    ...state,
    ...(verdict.left === undefined ? {} : { backupLeft: verdict.left }),
    ...first.facts,
    finding,
    trust: flow.facts.trust || (trust && method.canTrust === true),
  };
  const { left } = verdict;
  const recorded = needs.signInAudit.proved(flow, method, proved, left);
  const told = left === undefined ? [] : [needs.notices.tell(account, usedUp(left))];
  const record = needs.flows.record(flow, proved);
  return needs.store.commit([...spend, record, ...first.unit, ...recorded, ...told]);
}

/** A factor that was switched off opens nothing: an account with no other has none. */
function withOpenFactors(account: Account, { enrolled }: FactorState): Account {
  return enrolled.length > 0 ? account : { ...account, mfaEnrolledAt: undefined };
}

const usedUp = (left: number) => ({ kind: 'backup-code-used', left }) as const;

const none = { facts: {}, unit: [] };
