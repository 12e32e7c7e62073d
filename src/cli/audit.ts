// gatehouse audit …: what happened, row by row.
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Core } from '../app.ts';
import type { AuditRow } from '../domain/audit/audit.ts';
import { AUDIT_KINDS, type AuditKind } from '../domain/audit/kinds.ts';
import { toIso } from '../lib/clock.ts';
import { withCore } from './core.ts';
import { print, printTable } from './output.ts';

interface TailOptions {
  readonly limit: number;
  readonly account?: string;
  readonly kind?: AuditKind;
  readonly json?: boolean;
}

const MOST = 10_000;

export function auditCommands(): Command {
  const command = new Command('audit').description('look at the audit log');
  const kind = new Option('--kind <kind>', 'only events of this kind').choices(AUDIT_KINDS);
  command
    .command('tail')
    .description('print the newest events, newest last')
    .option('--limit <n>', `so many, ${MOST} at most`, parseLimit, 20)
    .option('--account <email-or-id>', 'only events about this account')
    .addOption(kind)
    .option('--json', 'print JSON, one event per line')
    .action((options: TailOptions) => withCore((core) => tail(core, options)));
  return command;
}

function parseLimit(text: string): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST) return limit;
  throw new InvalidArgumentError(`It is a number from 1 to ${MOST}.`);
}

async function tail(core: Core, { limit, account, kind, json }: TailOptions): Promise<void> {
  const accountId = account === undefined ? undefined : await idOf(core, account);
  const rows = (await core.audit.newest({ accountId, kind }, limit)).reverse().map(auditJson);
  if (json) for (const row of rows) print(JSON.stringify(row));
  else printTable(rows.map(withoutDetail));
}

/** What was recorded outlives the account: an id need not be one any more. */
async function idOf({ accounts }: Core, account: string): Promise<string> {
  return account.includes('@') ? (await accounts.get(account)).id : account;
}

/** The shape of an event wherever it is printed. */
export function auditJson(row: AuditRow) {
  return {
    time: toIso(row.time),
    kind: row.kind,
    outcome: row.outcome,
    ...(row.reason === undefined ? {} : { reason: row.reason }),
    account: row.accountId ?? null,
    actor: row.actor ?? null,
    client: row.clientId ?? null,
    address: row.address ?? null,
    user_agent: row.userAgent ?? null,
    trace: row.trace ?? null,
    detail: row.detail,
  };
}

function withoutDetail({ time, kind, outcome, reason, ...row }: ReturnType<typeof auditJson>) {
  const { account, actor, client, address, trace } = row;
  return { time, kind, outcome, reason, account, actor, client, address, trace };
}
