// Recent activity: what the audit has of an account, as far as its owner wants to know.
import type { Audit, AuditRow } from '../../../domain/audit/audit.ts';
import { repeatedOf } from '../../../domain/audit/folding.ts';
import type { AuditKind } from '../../../domain/audit/kinds.ts';
import type { SessionEnd } from '../../../domain/sessions/sessions.ts';
import type { ClientOnPage } from '../../../oidc/pages/client-on-page.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { momentOf } from '../../../web/times.ts';
import { agentLabel } from '../../agents.ts';
import type { SignedIn } from './require-sign-in.ts';

export interface ActivityNeeds {
  readonly audit: Audit;
  readonly findClient: (id: string) => Promise<ClientOnPage | undefined>;
  readonly t: Translate;
}

const SAME_BROWSER: SessionEnd = 'somebody else signed in';
const SHOWN = 20;
/** Some of them are not shown: each sign-in proves a password and perhaps a code, all of it right. */
const READ = 80;

type Outcome = AuditRow['outcome'];
const ANY: readonly Outcome[] = ['ok', 'refused'];
const OK: readonly Outcome[] = ['ok'];
const REFUSED: readonly Outcome[] = ['refused'];

/** The kinds with a text in the catalogue. Tokens come and go all day: they say nothing here. */
const TOLD: Readonly<Partial<Record<AuditKind, readonly Outcome[]>>> = {
  'sign_in.password': REFUSED,
  'sign_in.factor': REFUSED,
  'sign_in.finished': OK,
  'sign_in.locked': REFUSED,
  'factor.enrolled': ANY,
  'factor.removed': OK,
  'backup_code.used': OK,
  'backup_codes.renewed': OK,
  'device.trusted': OK,
  'device.ended': OK,
  'session.ended': OK,
  'password.changed': ANY,
  'password.reset': OK,
  'consent.granted': ANY,
  'consent.revoked': OK,
  'token.reuse': REFUSED,
  'account.suspended': OK,
  'account.sign_in_disowned': OK,
  'account.activated': OK,
  'account.unlocked': OK,
  'admin.reset_2fa': OK,
  'admin.reset_password': OK,
  'admin.deadline_moved': OK,
};

export function createActivity({ audit, findClient, t }: ActivityNeeds) {
  const timesOf = (row: AuditRow, what: string): string => {
    const repeated = repeatedOf(row);
    return repeated ? t('activity.times', { what, count: repeated.repeated + 1 }) : what;
  };

  const kinds = Object.keys(TOLD) as AuditKind[];

  const nameOf = async ({ clientId }: AuditRow): Promise<string> => {
    const client = clientId === undefined ? undefined : await findClient(clientId);
    return client?.name ?? t('activity.application');
  };

  const whatOf = async (row: AuditRow): Promise<string> => {
    const { count } = row.detail;
    if (typeof count === 'number') return t(`activity.${row.kind}.many`, { count });
    return t(`activity.${row.kind}.${row.outcome}`, { client: await nameOf(row) });
  };

  const itemOf = async (row: AuditRow) => ({
    time: momentOf(row.time),
    what: timesOf(row, await whatOf(row)),
    where: whereOf(row, t),
  });

  return async ({ account }: SignedIn) => {
    const rows = await audit.newest({ accountId: account.id, kinds }, READ);
    const flashMessages = withoutFirsts(rows).filter(({ kind, outcome }) =>
      TOLD[kind as AuditKind]?.includes(outcome),
    );
    return { items: await Promise.all(flashMessages.slice(0, SHOWN).map(itemOf)) };
  };
}

/** What repeats is one item, with how often it happened: the newest of it says where from. */
function withoutFirsts(rows: readonly AuditRow[]): AuditRow[] {
  const counted = new Set(rows.map((row) => repeatedOf(row)?.first));
  return rows.filter((row) => repeatedOf(row) !== undefined || !counted.has(row.id));
}

/** `Firefox on Linux, 203.0.113.7`. From where an operator acts is theirs to know. */
function whereOf({ accountId, actor = accountId, ...row }: AuditRow, t: Translate): string {
  if (actor !== accountId && row.reason !== SAME_BROWSER) return t('activity.operator');
  const { userAgent = '', address = t('agents.unknown-address') } = row;
  return `${agentLabel(userAgent, t)}, ${address}`;
}
