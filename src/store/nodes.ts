// The processes that serve: a row each, renewed while it runs and removed when it stops.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

/** Times are those that all nodes have, which no test clock moves. */
export interface NodeRow {
  /** The machine, the process on it, and a random part. */
  readonly id: string;
  readonly startedAt: number;
  readonly seenAt: number;
  readonly version: string;
  /** Milliseconds by which its machine's clock is ahead of the database's. */
  readonly clockSkew: number;
}

export interface NodeTable {
  list(): Promise<NodeRow[]>;
  /** Adds the row, or renews it: must hit. */
  beat(node: NodeRow): Statement;
  remove(id: string): Statement;
  /** Rows of processes that were killed. */
  removeUnseenSince(at: number): Statement;
}

export const NODES = 'nodes';

/** Milliseconds between two renewals. */
export const BEAT = 2_000;
const HEARD = 15_000;

/** Whether it lives as far as its row can tell. */
export function isHeard({ seenAt }: NodeRow, at: number): boolean {
  return Math.abs(at - seenAt) < HEARD;
}

export function createNodeTable(store: Store): NodeTable {
  const table = () => store.sql(NODES);
  const beat = store.prepare<NodeRow>(
    (p, sql) =>
      sql(NODES)
        .insert({
          id: p.id,
          started_at: p.startedAt,
          seen_at: p.seenAt,
          version: p.version,
          clock_skew: p.clockSkew,
        })
        .onConflict('id')
        .merge(['seen_at', 'clock_skew']),
    1,
  );
  return {
    list: async () => (await store.all(store.compile(table().orderBy('id')))).map(toNode),
    beat,
    remove: (id) => store.compile(table().where({ id }).del()),
    removeUnseenSince: (at) => store.compile(table().where('seen_at', '<', at).del()),
  };
}

export function toNode(row: Row): NodeRow {
  return {
    id: row.id as string,
    startedAt: Number(row.started_at),
    seenAt: Number(row.seen_at),
    version: row.version as string,
    clockSkew: Number(row.clock_skew),
  };
}
