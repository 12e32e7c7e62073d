// The one place where an account comes to have a second factor.

import type { Audit } from '../domain/audit/audit.ts';
import { withLimitAudit } from '../domain/audit/locks.ts';
import type { Limited, Reservation } from '../domain/limits/attempt.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { Requester } from '../domain/limits/requester.ts';
import type { Notices } from '../domain/notices/notices.ts';
import type { Proof } from '../domain/sessions/assurance.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import { type EnrolmentVerdict, type Rejection, rejected } from '../factors/factor.ts';
import { failClosed } from '../factors/fail-closed.ts';
import type { Factor } from '../factors/index.ts';
import { now } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Account, AccountTable } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { SignInAudit } from './audit-events.ts';
import { type FactorStateNeeds, stateOf } from './factor-state.ts';
import { type Flow, type Flows, flowContextOf } from './flow.ts';
import { notifyOwnerOfLimit } from './limit-notice.ts';
import { dueStep } from './steps/index.ts';

export type EnrolOutcome =
  | { readonly kind: 'enrolled' }
  | {
      readonly kind: 'refused';
      readonly hint?: Rejection['hint'];
      /** Where attempts are counted. */
      readonly remaining?: Remaining;
    }
  | Limited
  /** It cannot be a code at all. @property flaw a key of the catalogue */
  | { readonly kind: 'malformed'; readonly flaw: string }
  /** As many as there may be. */
  | { readonly kind: 'full' }
  /** Another step is due, or the account has changed meanwhile. */
  | { readonly kind: 'not-due' };

export interface EnrolNeeds extends FactorStateNeeds {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly flows: Flows;
  readonly limits: Pick<Limits, 'reserveText' | 'reserveCode'>;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly signInAudit: SignInAudit;
  readonly notices: Notices;
  readonly log: Log;
}

/** What must be sent before a factor can be confirmed. */
export type StartOutcome = { readonly kind: 'sent' } | Limited;

export interface EnrolmentInput {
  readonly factor: Factor;
  readonly input: unknown;
  readonly requester: Requester;
  /** The session of this browser, if it is this person's: it goes on. */
  readonly session: string | undefined;
}

type Adding = Omit<EnrolmentInput, 'session'>;

export interface Enrol {
  /** Sends the code that confirms a factor, no more often than the limits say. */
  start(account: Account, factor: Factor, input: unknown): Promise<StartOutcome>;
  /** In a sign-in, where it is due: it counts as proved, too. */
  inFlow(flow: Flow, given: EnrolmentInput): Promise<EnrolOutcome>;
  /**
   * Beside what the account has: nothing ends. Whoever calls has seen to it that the person has
   * proved it.
   */
  add(account: Account, context: string, given: Adding): Promise<EnrolOutcome>;
}

const NOT_DUE: EnrolOutcome = { kind: 'not-due' };

export function createEnrol(needs: EnrolNeeds): Enrol {
  const { accountTable, sessions, store, signInAudit, notices, log } = needs;

  /** @param unitAt what else it changes; must hit where the account is no longer as it was read */
  const confirm = async (
    account: Account,
    context: string,
    { factor, input, requester }: Adding,
    unitAt: (at: number) => Unit | Promise<Unit>,
  ): Promise<EnrolOutcome> => {
    const flaw = factor.enrolment?.findFlaw?.(input);
    if (flaw !== undefined) return { kind: 'malformed', flaw };
    const { id } = account;
    const reservation = await reserve(id, factor, requester, needs);
    if (reservation?.kind === 'limited') return reservation;
    const at = now();
    const verdict = await verify(factor, { account, context, input, at }, reservation, log);
    if (verdict.kind === 'refused') {
      const remaining = await reservation?.consume();
      await signInAudit.notEnrolled(id, factor, verdict.reason);
      if (remaining) await notifyOwnerOfLimit(remaining, { accountId: id }, needs);
      return { kind: 'refused', hint: verdict.hint, ...(remaining ? { remaining } : {}) };
    }
    await reservation?.release();
    const isDone = await store.tryCommit([
      ...(await unitAt(at)),
      ...verdict.unit,
      signInAudit.enrolled(id, factor),
      notices.noticeFor(account, { kind: 'factor-added', name: verdict.label }),
    ]);
    if (isDone) log.info({ account: id, method: factor.name }, 'enrolled');
    return isDone ? { kind: 'enrolled' } : NOT_DUE;
  };

  const inFlow: Enrol['inFlow'] = async (flow, given) => {
    const { accountId = '', generation } = flow.row;
    if (dueStep(flow.facts)?.name !== 'enrol-factor') return NOT_DUE;
    const account = await accountTable.find(accountId);
    if (!account || account.generation !== generation) return NOT_DUE;
    const { codesLeft } = await stateOf(accountId, needs);
    // The first one moves the account on: what was signed in without it ends.
    return confirm(account, flowContextOf(flow), given, async (at) => {
      const { name, proves, amr } = given.factor;
      const proof: Proof = { method: name, factor: proves, amr, at };
      const next = generation + 1;
      const proved = { proof, accountId, generation: next, enrolled: [name], codesLeft };
      return [
        accountTable.enrol(accountId, generation, at),
        ...(await sessions.endOthers(accountId, next, given.session, 'second factor enrolled')),
        needs.flows.record(flow, proved),
      ];
    });
  };

  const add: Enrol['add'] = async (account, context, given) => {
    const has = await given.factor.credentials?.list(account.id);
    if (has && has.length >= (given.factor.credentials?.atMost ?? 0)) return { kind: 'full' };
    // Of those side by side one finds the revision that it read.
    const { id, generation, factorsRevision } = account;
    return confirm(account, context, given, () => [
      accountTable.reviseFactors(id, generation, factorsRevision),
    ]);
  };

  return { start: (...args) => start(needs, ...args), inFlow, add };
}

async function start(
  { limits, audit }: EnrolNeeds,
  account: Account,
  { name, enrolment }: Factor,
  input: unknown,
): Promise<StartOutcome> {
  const first = enrolment?.start;
  if (!first) throw new GatehouseError('not_found');
  const reserved = await limits.reserveText(account.id, first.addressee(input));
  const tried = { method: name, accountId: account.id };
  const reservation = await withLimitAudit(reserved, audit, tried);
  if (reservation.kind === 'limited') return reservation;
  // Every message counts, whoever asked for it.
  await reservation.consume(first.send(account, input));
  return { kind: 'sent' };
}

/** Codes that somebody could guess are counted as those of a sign-in are. */
async function reserve(
  accountId: string,
  { name, enrolment }: Factor,
  requester: Requester,
  { limits, audit }: EnrolNeeds,
) {
  if (!enrolment?.isGuessable) return undefined;
  const reserved = await limits.reserveCode(accountId, false, requester);
  return withLimitAudit(reserved, audit, { method: name, accountId });
}

/** As in `prove`: an exception of the factor is a refusal, one of the store is not. */
function verify(
  factor: Factor,
  attempt: Parameters<NonNullable<Factor['enrolment']>['confirm']>[0],
  reservation: Reservation | undefined,
  log: Log,
): Promise<EnrolmentVerdict> {
  const { name, enrolment } = factor;
  return failClosed<EnrolmentVerdict>(
    async () => {
      const isOffered = (await enrolment?.isOffered?.(attempt.account.id)) ?? true;
      return enrolment && isOffered ? enrolment.confirm(attempt) : rejected('not offered');
    },
    name,
    reservation,
    log,
  );
}
