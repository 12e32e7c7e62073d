// What a sign-in leaves in the audit: each step with its outcome, and the facts behind it.
import type { Audit } from '../domain/audit/audit.ts';
import type { SignInFacts } from '../domain/audit/kinds.ts';
import { auditLimitReached, auditLimitRefused } from '../domain/audit/locks.ts';
import type { Limited } from '../domain/limits/attempt.ts';
import type { Remaining } from '../domain/limits/remaining.ts';
import type { FactorStep } from '../factors/factor.ts';
import type { Factor } from '../factors/index.ts';
import { toIso } from '../lib/clock.ts';
import type { AccountTable } from '../store/accounts.ts';
import type { FlowRow } from '../store/flows.ts';
import type { Statement, Unit } from '../store/statement.ts';
import { type Facts, factsWith, type Proved } from './facts.ts';
import type { Flow } from './flow.ts';
import { dueStep } from './steps/index.ts';
import { isDeviceEnough } from './steps/second-factor/step.ts';

/** A credential that somebody gave to a method. */
interface CredentialInput {
  readonly factor: Factor;
  readonly input: unknown;
}

interface Reached {
  readonly acr: string;
  readonly amr: readonly string[];
}

interface Cancelled {
  readonly unit: Unit;
  /** To be called when that unit is written. */
  done(): Promise<void>;
}

export interface SignInAudit {
  /** @param left of a credential that is used up: how many remain */
  proved(flow: Flow, factor: Factor, proved: Proved, left?: number): Unit;
  refused(flow: Flow, attempt: CredentialInput, reason: string): Promise<void>;
  /** Nothing was looked at, and no limit counted it. */
  turnedBack(flow: Flow, attempt: CredentialInput, reason: string): Promise<void>;
  /** The attempt was not looked at. */
  limited(flow: Flow, attempt: CredentialInput, limited: Limited): Promise<void>;
  /** The attempt was among the last there were. @param claim as the attempt's reservation gives it */
  exhausted(
    flow: Flow,
    attempt: CredentialInput,
    remaining: Remaining,
    claim: Statement,
  ): Promise<void>;
  enrolled(accountId: string, factor: Factor): Statement;
  notEnrolled(accountId: string, factor: Factor, reason: string): Promise<void>;
  codesRenewed(flow: Flow): Statement;
  staged(flow: Flow): Statement;
  /** @param unmet how many rules, where that is why */
  notStaged(flow: Flow, reason: string, unmet?: number): Promise<void>;
  finished(flow: Flow, reached: Reached): Unit;
  /** Less was reached than was asked for. */
  notEnough(flow: Flow, reached: Reached): Statement;
  /** Every step is done, and yet it does not end here. */
  turnedAway(flow: Flow, reason: string): Promise<void>;
  cancelled(row: FlowRow | undefined, clientId: string): Cancelled;
}

const KINDS = {
  'sign-in': 'sign_in.password',
  'second-factor': 'sign_in.factor',
} as const satisfies Record<FactorStep, string>;

export function createSignInAudit(
  audit: Audit,
  accountTable: Pick<AccountTable, 'findByNormalizedEmail'>,
): SignInAudit {
  const { record, write, fold } = audit;
  const subjectOf = (flow: Flow, attempt: CredentialInput) =>
    findSubject(flow, attempt, accountTable);

  const triedIn = async (flow: Flow, attempt: CredentialInput) => ({
    ...(await subjectOf(flow, attempt)),
    method: attempt.factor.name,
  });

  return {
    proved: (flow, factor, proved, left) => {
      const { accountId } = proved;
      const who = { ...commonOf(flow), accountId, actor: accountId };
      const detail = factsOf(flow, factor, proved);
      const recorded = record({ ...who, kind: KINDS[factor.step], detail });
      if (left === undefined) return [recorded];
      return [recorded, record({ ...who, kind: 'backup_code.used', detail: { left } })];
    },
    enrolled: (accountId, { name }) =>
      record({ kind: 'factor.enrolled', accountId, detail: { method: name } }),
    notEnrolled: (accountId, { name }, reason) => {
      const refused = { kind: 'factor.enrolled', ...REFUSED, reason } as const;
      return fold({ ...refused, accountId, detail: { method: name } }, { ofFlow: true });
    },
    codesRenewed: (flow) => record({ ...commonOf(flow), kind: 'backup_codes.renewed' }),
    refused: async (flow, attempt, reason) => {
      const { name, step } = attempt.factor;
      const subject = await subjectOf(flow, attempt);
      const detail = { method: name };
      const event = { ...subject, kind: KINDS[step], outcome: 'refused', reason, detail } as const;
      // How many there are of one account is limited; names that nobody has never run out.
      await (subject.accountId === undefined ? fold(event) : write(event));
    },
    turnedBack: (flow, { factor: { name, step } }, reason) => {
      const refused = { kind: KINDS[step], ...REFUSED, reason, detail: { method: name } } as const;
      return fold({ ...commonOf(flow), ...refused }, { ofFlow: true });
    },
    limited: async (flow, attempt, lock) => {
      await auditLimitRefused(audit, lock, await triedIn(flow, attempt), { ofFlow: isKnown(flow) });
    },
    exhausted: async (flow, attempt, lock, claim) => {
      await auditLimitReached(audit, lock, await triedIn(flow, attempt), [claim]);
    },
    staged: (flow) => {
      const detail = { policy: 'met', ...waysOn(withNewPassword(flow.facts)) } as const;
      return record({ ...commonOf(flow), kind: 'sign_in.migration', detail });
    },
    notStaged: (flow, reason, unmet) => {
      const detail = unmet === undefined ? {} : { detail: { unmet } };
      const refused = { kind: 'sign_in.migration', outcome: 'refused', reason } as const;
      return write({ ...commonOf(flow), ...refused, ...detail });
    },
    finished: (flow, { acr, amr }) => {
      const common = commonOf(flow);
      const { password, trust } = flow.facts;
      return [
        record({ ...common, kind: 'sign_in.finished', detail: { acr, amr } }),
        ...(password?.staged === 'new' ? [record({ ...common, kind: 'password.changed' })] : []),
        ...(trust ? [record({ ...common, kind: 'device.trusted' })] : []),
      ];
    },
    notEnough: (flow, { acr, amr }) => {
      const reason = 'the requested acr cannot be reached';
      const detail = { acr, amr, wanted: wantedBy(flow) };
      return record({ ...commonOf(flow), kind: 'sign_in.finished', ...REFUSED, reason, detail });
    },
    turnedAway: (flow, reason) =>
      fold(
        { ...commonOf(flow), kind: 'sign_in.finished', ...REFUSED, reason },
        { ofFlow: isKnown(flow) },
      ),
    cancelled: (row, clientId) => {
      const reason = 'cancelled by the person';
      const accountId = row?.accountId;
      const whose = { flowId: row?.id, accountId, actor: accountId, clientId };
      const event = { ...whose, kind: 'sign_in.finished', ...REFUSED, reason } as const;
      if (accountId !== undefined) return { unit: [record(event)], done: async () => undefined };
      return { unit: [], done: () => fold(event) };
    },
  };
}

const REFUSED = { outcome: 'refused' } as const;

/** Somebody has proved to be somebody in it. */
const isKnown = ({ row }: Flow): boolean => row.accountId !== undefined;

function commonOf({ row: { id, clientId, accountId } }: Flow) {
  return { flowId: id, clientId, accountId };
}

/** Whose credential was tried, also where nobody has shown yet to be anybody. */
async function findSubject(
  flow: Flow,
  { factor, input }: CredentialInput,
  accountTable: Pick<AccountTable, 'findByNormalizedEmail'>,
) {
  const common = commonOf(flow);
  const identifier = common.accountId === undefined ? factor.identify?.(input) : undefined;
  if (identifier === undefined) return common;
  const account = await accountTable.findByNormalizedEmail(identifier).catch(() => undefined);
  return { ...common, accountId: account?.id };
}

function factsOf({ facts }: Flow, factor: Factor, proved: Proved): SignInFacts {
  const { finding } = proved;
  const policy = finding?.unmet ? 'unmet' : 'met';
  const ways = waysOn(factsWith(facts, proved));
  return { method: factor.name, ...(finding ? { policy } : {}), ...ways };
}

/** What stands between these facts and the end, and what was considered on the way. */
function waysOn(facts: Facts): SignInFacts {
  return { due: dueStep(facts)?.name, grace: graceOf(facts), device: deviceOf(facts) };
}

function graceOf({ grace }: Facts): string | undefined {
  if (grace.kind === 'none') return undefined;
  return grace.kind === 'running' ? `until ${toIso(grace.until)}` : 'over';
}

function deviceOf(facts: Facts): string | undefined {
  const { device, devicesCount, password } = facts;
  if (device.kind === 'none') return undefined;
  if (device.kind === 'ignored') return `ignored: ${device.reason}`;
  if (isDeviceEnough(facts)) return 'trusted';
  if (!devicesCount) return 'ignored: the application does not accept it';
  return password?.staged === 'new'
    ? 'ignored: the password changes'
    : `ignored: ${wantedBy({ facts })} is asked for`;
}

function withNewPassword({ password, ...facts }: Facts): Facts {
  return { ...facts, password: password && { ...password, staged: 'new' } };
}

function wantedBy({ facts: { wanted } }: Pick<Flow, 'facts'>): string {
  return wanted.kind === 'at-least' ? wanted.acr : wanted.kind;
}
