// What is recorded of everything that bears on security: typed, append-only, without a secret.
import { now } from '../../lib/clock.ts';
import { timeOrderedId } from '../../lib/ids.ts';
import type { Log } from '../../lib/log.ts';
import { logFailure } from '../../lib/repeated-lines.ts';
import { currentRequest } from '../../lib/request-context.ts';
import type { AuditEventTable, AuditRow } from '../../store/audit.ts';
import type { AuditCountTable, CountFilter } from '../../store/audit-counts.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import { createFolding, type FoldedHow, type Folding } from './folding.ts';
import type { AuditDetail, AuditKind } from './kinds.ts';
import { describeUserAgent } from './user-agent.ts';

export type { AuditRow };

/** What an event knows itself: trace, address, User-Agent, actor and sign-in are the request's. */
export type AuditEvent = { readonly [K in AuditKind]: EventOf<K> }[AuditKind];

interface EventOf<K extends AuditKind> {
  readonly kind: K;
  /** `ok` when left out. */
  readonly outcome?: AuditRow['outcome'];
  /** For operators; the person reads other words. */
  readonly reason?: string;
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly actor?: string | undefined;
  readonly flowId?: string | undefined;
  readonly detail?: AuditDetail<K>;
}

export interface Audit {
  /** Must hit. Belongs into the unit of what it tells of. */
  record(event: AuditEvent): Statement;
  /**
   * For a refusal, which has no unit, where something else bounds how many there can be. Never
   * rejects: what is refused stays refused, and the log says what could not be recorded.
   * @param unless statements of which one that misses says that there is nothing to record
   */
  write(event: AuditEvent, unless?: Unit): Promise<void>;
  /**
   * For a refusal that anybody can repeat: an event for the first in a quarter of an hour, and one
   * with the number of the others. Never rejects.
   */
  fold(event: AuditEvent, how?: FoldedHow): Promise<void>;
  /** Ends the windows of folded refusals that are over. */
  closeEnded(): Promise<void>;
  /** Writes what this process still has in hand. */
  flush(): Promise<void>;
  /** Newest first. */
  newest(filter: AuditFilter, limit: number): Promise<AuditRow[]>;
  /** The whole sign-in of a request, or else the request alone. */
  findByTrace(trace: string): Promise<Traced | undefined>;
}

export interface AuditFilter {
  readonly accountId?: string | undefined;
  readonly kind?: AuditKind | undefined;
  /** Any of these. */
  readonly kinds?: readonly AuditKind[] | undefined;
}

export interface Traced {
  readonly flowId: string | undefined;
  /** Oldest first. */
  readonly events: readonly AuditRow[];
}

interface Needs {
  readonly store: Store;
  readonly auditEventTable: AuditEventTable;
  readonly auditCountTable: AuditCountTable;
  readonly log: Log;
}

export function createAudit({ store, auditEventTable, auditCountTable, log }: Needs): Audit {
  const record = (event: AuditEvent) => auditEventTable.insert(toRow(event, now()));
  const report = (error: unknown) => logFailure(log, error, 'an audit event could not be written');
  const folding = createFolding({ store, auditEventTable, auditCountTable, report });
  return {
    record,
    write: async (event, unless = []) => {
      await store.commit([...unless, record(event)]).catch(report);
    },
    fold: (event, how = {}) => folding.add(toRow(event, now()), how).catch(report),
    closeEnded: folding.closeEnded,
    flush: () => folding.flush().catch(report),
    newest: async (filter, limit) => {
      const running = await folding.running(runningOf(filter), limit);
      const written = await auditEventTable.newest(filter, limit);
      return [...written, ...running].sort(newestFirst).slice(0, limit);
    },
    findByTrace: (trace) => findByTrace(trace, auditEventTable, folding),
  };
}

function runningOf({ accountId, kind, kinds }: AuditFilter): CountFilter {
  return { accountId, kinds: kind === undefined ? kinds : [kind] };
}

const MANY = 500;

/** A running count is found by the newest refusal in it. */
async function findByTrace(
  trace: string,
  auditEventTable: AuditEventTable,
  { running }: Folding,
): Promise<Traced | undefined> {
  const own = [...(await auditEventTable.ofTrace(trace)), ...(await running({ trace }, MANY))];
  const flowId = own.find((row) => row.flowId !== undefined)?.flowId;
  if (flowId === undefined) return own.length === 0 ? undefined : { flowId, events: own };
  const rest = own.filter((row) => row.flowId !== flowId);
  const ofFlow = [...(await auditEventTable.ofFlow(flowId)), ...(await running({ flowId }, MANY))];
  return { flowId, events: [...ofFlow, ...rest].sort(oldestFirst) };
}

const oldestFirst = (a: AuditRow, b: AuditRow) =>
  a.time - b.time || (a.id === b.id ? 0 : a.id < b.id ? -1 : 1);
const newestFirst = (a: AuditRow, b: AuditRow) => oldestFirst(b, a);

function toRow(event: AuditEvent, time: number): AuditRow {
  const { trace, address, userAgent, actor, flowId } = currentRequest();
  return {
    id: timeOrderedId(time),
    time,
    kind: event.kind,
    outcome: event.outcome ?? 'ok',
    reason: event.reason,
    accountId: event.accountId,
    actor: event.actor ?? actor,
    clientId: event.clientId,
    address,
    userAgent: userAgent ? describeUserAgent(userAgent) : undefined,
    trace,
    flowId: event.flowId ?? flowId,
    detail: event.detail ?? {},
  };
}
