// Refusals that repeat: the first leaves an event, what follows a count, and its end another event.
import { hash } from 'node:crypto';
import { rangeOf } from '../../lib/addresses.ts';
import { now, toIso } from '../../lib/clock.ts';
import { timeOrderedId } from '../../lib/ids.ts';
import type { AuditEventTable, AuditRow } from '../../store/audit.ts';
import type { AuditCount, AuditCountTable, CountFilter } from '../../store/audit-counts.ts';
import type { Store } from '../../store/store.ts';

/** In the details of the event that ends a window. */
export interface Repeated {
  /** How often beyond the first time, which has an event of its own. */
  readonly repeated: number;
  /** ISO. */
  readonly since: string;
  /** The id of the event of the first time. */
  readonly first: string;
}

export interface FoldedHow {
  /**
   * Each sign-in is a subject of its own: for those in which somebody has proved to be somebody,
   * which nobody can begin without end.
   */
  readonly ofFlow?: boolean;
  /** What is counted as one, where the reason holds something that was sent. */
  readonly as?: string;
}

export interface Folding {
  /**
   * The first of its kind, subject and window is durable when this settles. What follows within a
   * second in one process is added up and written as one.
   */
  add(row: AuditRow, how: FoldedHow): Promise<void>;
  /** What still runs, as the event that will tell of it. */
  running(filter: CountFilter, limit: number): Promise<AuditRow[]>;
  /** Writes the events of windows that have ended. */
  closeEnded(): Promise<void>;
  /** Writes what this process has added up. */
  flush(): Promise<void>;
}

export interface FoldingNeeds {
  readonly store: Store;
  readonly auditEventTable: AuditEventTable;
  readonly auditCountTable: AuditCountTable;
  readonly report: (error: unknown) => void;
}

const WINDOW = 15 * 60_000;
/** Clocks of nodes may differ, and a process may still have something to add. */
const GRACE = 10_000;
const PAUSE = 1_000;
const BATCH = 20;

/** What of the details tells one refusal from another; the rest varies from attempt to attempt. */
const DISTINCT = ['method', 'rule', 'endpoint', 'grant'] as const;

/** A whole site of IPv6 is one subject: it has as many addresses as it likes. */
const SITE = { ipv4: 24, ipv6: 48 };
/** However many ranges there are, they share so many subjects: 16 to the power of this. */
const ORIGIN_DIGITS = 3;

interface Added {
  readonly count: AuditCount;
  readonly first: AuditRow;
}

export function createFolding({
  store,
  auditEventTable,
  auditCountTable,
  report,
}: FoldingNeeds): Folding {
  let added = new Map<string, Added>();
  let timer: NodeJS.Timeout | undefined;

  const write = (all: readonly Added[]) =>
    store.commit(all.flatMap(({ count, first }) => auditCountTable.add(count, first)));

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const more = [...added.values()].filter(({ count }) => count.count > 0);
    added = new Map();
    if (more.length > 0) await write(more.toSorted(byKey));
  };

  const add = async (row: AuditRow, how: FoldedHow): Promise<void> => {
    const count = countOf(row, how);
    const before = added.get(count.key)?.count.count;
    added.set(count.key, { count: { ...count, count: (before ?? -1) + 1 }, first: row });
    if (before !== undefined) return;
    timer ??= setTimeout(() => flush().catch(report), PAUSE).unref();
    await write([{ count, first: row }]);
  };

  const close = async (ended: AuditCount): Promise<void> => {
    const event = { ...asEvent(ended), id: timeOrderedId(now()) };
    const unit = ended.count > 1 ? [auditEventTable.insert(event)] : [];
    // Missed: another process has closed it, or has just added to it.
    await store.commit([auditCountTable.close(ended), ...unit]);
  };

  return {
    add,
    flush,
    running: async (filter, limit) => {
      await flush();
      return (await auditCountTable.running(filter, limit)).map(asEvent);
    },
    closeEnded: async () => {
      await flush();
      for (;;) {
        const due = await auditCountTable.due(now() - GRACE, BATCH);
        await Promise.all(due.map(close));
        if (due.length < BATCH) return;
      }
    },
  };
}

/** Units that add to several counts never wait for each other in a circle. */
const byKey = (a: Added, b: Added) => (a.count.key < b.count.key ? -1 : 1);

function countOf(row: AuditRow, { ofFlow, as = row.reason }: FoldedHow): AuditCount {
  const { time, kind, outcome, accountId, clientId, detail } = row;
  const window = Math.floor(time / WINDOW);
  const flowId = ofFlow ? row.flowId : undefined;
  const parts = [window, kind, outcome, as, accountId, clientId, flowId, originOf(row)];
  const told = DISTINCT.map((name) => detail[name]);
  const key = digest(JSON.stringify([...parts, ...told]));
  const closesAt = (window + 1) * WINDOW;
  return { key, count: 1, firstAt: time, closesAt, row: { ...row, flowId } };
}

function originOf({ address = '' }: AuditRow): string {
  return digest(rangeOf(address, SITE)).slice(0, ORIGIN_DIGITS);
}

const digest = (text: string) => hash('sha256', text, 'hex');

function asEvent({ row, count, firstAt }: AuditCount): AuditRow {
  const told: Repeated = { repeated: count - 1, since: toIso(firstAt), first: row.id };
  // Behind its first one, also where both are of one moment.
  return { ...row, id: `${row.id}+`, detail: { ...row.detail, ...told } };
}

/** Of an event that ends a window; undefined for any other. */
export function repeatedOf({ detail }: Pick<AuditRow, 'detail'>): Repeated | undefined {
  return typeof detail.repeated === 'number' ? (detail as unknown as Repeated) : undefined;
}
