// The one place where an account comes to have a second factor.
import type { Proof } from '../domain/assurance.ts';
import type { Notices } from '../domain/notices.ts';
import type { SessionsDomain } from '../domain/sessions.ts';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Method } from '../methods/index.ts';
import type { EnrolmentVerdict, Refusal } from '../methods/method.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { SignInAudit } from './audit-events.ts';
import { type FactorNeeds, stateOf } from './factors.ts';
import type { Flow, FlowsDomain } from './flow.ts';
import { isNoLook } from './guarded.ts';
import { dueStep } from './steps/index.ts';

export type EnrolOutcome =
  | { readonly kind: 'enrolled' }
  | { readonly kind: 'refused'; readonly hint?: Refusal['hint'] }
  /** It cannot be a code at all. @property flaw a key of the catalogue */
  | { readonly kind: 'malformed'; readonly flaw: string }
  /** As many as there may be. */
  | { readonly kind: 'full' }
  /** Another step is due, or the account has changed meanwhile. */
  | { readonly kind: 'not-due' };

export interface EnrolNeeds extends FactorNeeds {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly flows: FlowsDomain;
  readonly sessions: SessionsDomain;
  readonly signInAudit: SignInAudit;
  readonly notices: Notices;
  readonly log: Log;
}

export interface GivenEnrolment {
  readonly method: Method;
  readonly input: unknown;
  /** The session of this browser, if it is this person's: it goes on. */
  readonly session: string | undefined;
}

type Adding = Omit<GivenEnrolment, 'session'>;

export interface Enrol {
  /** In a sign-in, where it is due: it counts as proved, too. */
  inFlow(flow: Flow, given: GivenEnrolment): Promise<EnrolOutcome>;
  /**
   * Beside what the account has: nothing ends. Whoever calls has seen to it that the person has
   * proved it.
   */
  add(account: Account, occasion: string, given: Adding): Promise<EnrolOutcome>;
}

const NOT_DUE: EnrolOutcome = { kind: 'not-due' };

/** What a secret is offered on: the sign-in, of one generation of the account. */
export function occasionOf({ row }: Flow): string {
  return `flow ${row.id} ${row.generation ?? 0}`;
}

export function createEnrol(needs: EnrolNeeds): Enrol {
  const { accounts, sessions, store, signInAudit, notices, log } = needs;

  /** @param unitAt what else it changes; must hit where the account is no longer as it was read */
  const confirm = async (
    account: Account,
    occasion: string,
    { method, input }: Adding,
    unitAt: (at: number) => Unit | Promise<Unit>,
  ): Promise<EnrolOutcome> => {
    const flaw = method.enrolment?.findFlaw?.(input);
    if (flaw !== undefined) return { kind: 'malformed', flaw };
    const at = now();
    const verdict = await judge(method, { account, occasion, input, at }, log);
    const { id } = account;
    if (verdict.kind === 'refused') {
      await signInAudit.notEnrolled(id, method, verdict.reason);
      return { kind: 'refused', hint: verdict.hint };
    }
    const outcome = await store.commit([
      ...(await unitAt(at)),
      ...verdict.unit,
      signInAudit.enrolled(id, method),
      notices.tell(account, { kind: 'factor-added', name: verdict.label }),
    ]);
    if (outcome.kind === 'committed') log.info({ account: id, method: method.name }, 'enrolled');
    return outcome.kind === 'committed' ? { kind: 'enrolled' } : NOT_DUE;
  };

  const inFlow: Enrol['inFlow'] = async (flow, given) => {
    const { accountId = '', generation } = flow.row;
    if (dueStep(flow.facts)?.name !== 'enrol-factor') return NOT_DUE;
    const account = await accounts.find(accountId);
    if (!account || account.generation !== generation) return NOT_DUE;
    const { backupLeft } = await stateOf(accountId, needs);
    // The first one moves the account on: what was signed in without it ends.
    return confirm(account, occasionOf(flow), given, async (at) => {
      const { name, factor, amr } = given.method;
      const proof: Proof = { method: name, factor, amr, at };
      const next = generation + 1;
      const proved = { proof, accountId, generation: next, enrolled: [name], backupLeft };
      return [
        accounts.enrol(accountId, generation, at),
        ...(await sessions.moveOn(accountId, next, given.session, 'second factor enrolled')),
        needs.flows.record(flow, proved),
      ];
    });
  };

  const add: Enrol['add'] = async (account, occasion, given) => {
    const has = await given.method.credentials?.list(account.id);
    if (has && has.length >= (given.method.credentials?.atMost ?? 0)) return { kind: 'full' };
    // Of those side by side one finds the revision that it read.
    const { id, generation, factorsRevision } = account;
    return confirm(account, occasion, given, () => [
      accounts.reviseFactors(id, generation, factorsRevision),
    ]);
  };

  return { inFlow, add };
}

/** As in `prove`: an exception of the method is a refusal, one of the store is not. */
async function judge(
  method: Method,
  attempt: Parameters<NonNullable<Method['enrolment']>['confirm']>[0],
  log: Log,
): Promise<EnrolmentVerdict> {
  try {
    if (!method.enrolment) return { kind: 'refused', reason: 'not offered' };
    return await method.enrolment.confirm(attempt);
  } catch (error) {
    if (isNoLook(error)) throw error;
    log.error({ err: error, method: method.name }, 'an enrolment failed');
    return { kind: 'refused', reason: 'enrolment failed' };
  }
}
