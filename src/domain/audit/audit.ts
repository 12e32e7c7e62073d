// What is recorded of everything that bears on security: typed, append-only, without a secret.
import { now } from '../../lib/clock.ts';
import { timeOrderedId } from '../../lib/ids.ts';
import type { Log } from '../../lib/log.ts';
import { currentRequest } from '../../lib/request-context.ts';
import type { AuditEvents, AuditRow } from '../../store/audit.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
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
   * For a refusal, which has no unit. Never rejects: what is refused stays refused, and the log
   * says what could not be recorded.
   * @param unless statements of which one that misses says that there is nothing to record
   */
  write(event: AuditEvent, unless?: Unit): Promise<void>;
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
  readonly events: AuditEvents;
  readonly log: Log;
}

export function createAudit({ store, events, log }: Needs): Audit {
  const record = (event: AuditEvent) => events.insert(toRow(event, now()));
  return {
    record,
    write: async (event, unless = []) => {
      try {
        await store.commit([...unless, record(event)]);
      } catch (error) {
        log.error({ err: error, kind: event.kind }, 'an audit event could not be written');
      }
    },
    newest: events.newest,
    findByTrace: async (trace) => {
      const own = await events.ofTrace(trace);
      const flowId = own.find((row) => row.flowId !== undefined)?.flowId;
      if (flowId === undefined) return own.length === 0 ? undefined : { flowId, events: own };
      const rest = own.filter((row) => row.flowId !== flowId);
      return { flowId, events: [...(await events.ofFlow(flowId)), ...rest].sort(byMaking) };
    },
  };
}

const byMaking = (a: AuditRow, b: AuditRow) => (a.id < b.id ? -1 : 1);

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
