// Half-done sign-ins: one row each, changed only from the revision that was read.

import { defineColumns, integer, optional, text } from './columns.ts';
import { accountIsCurrent } from './current-account.ts';
import type { Statement } from './statement.ts';
import type { Store } from './store.ts';

const COLUMNS = defineColumns({
  id: text('id'),
  interactionKey: text('interaction_key'),
  clientId: text('client_id'),
  accountId: optional(text('account_id')),
  generation: optional(integer('generation')),
  /** JSON that `src/signin` writes and reads. */
  facts: text('facts'),
  /** Hash that the end of the sign-in writes to the account; cleared when the row ends. */
  stagedHash: optional(text('staged_hash')),
  revision: integer('revision'),
  endedAt: optional(integer('ended_at')),
  expiresAt: integer('expires_at'),
  createdAt: integer('created_at'),
});

export type FlowRow = ReturnType<typeof COLUMNS.read>;

export interface FoundFlowRow extends FlowRow {
  /** Its account is gone, or has changed since somebody proved to be its owner. */
  readonly isVoid: boolean;
}

export interface FlowTable {
  /** The newest row of an interaction, ended and expired ones too. */
  findNewest(interactionKey: string): Promise<FoundFlowRow | undefined>;
  insert(row: FlowRow): Statement;
  /** Nobody has proved to be anybody in these: who starts again and again leaves one behind. */
  forgetEmpty(interactionKey: string): Statement;
  /** Must hit: the row stands at `was.revision` and is not ended. */
  update(was: FlowRow, change: FlowChange): Statement;
  /** Ends whatever is open in an interaction. */
  endAll(interactionKey: string, at: number): Statement;
}

export type FlowChange = Partial<
  Pick<FlowRow, 'accountId' | 'generation' | 'facts' | 'stagedHash' | 'endedAt' | 'clientId'>
>;

const TABLE = 'sign_in_flows';
const IS_VOID = `case when ${accountIsCurrent(TABLE)} then 0 else 1 end as is_void`;

export function createFlowTable(store: Store): FlowTable {
  const newest = store.prepare<{ key: string }>((p, sql) =>
    sql(TABLE)
      .select(`${TABLE}.*`, sql.raw(IS_VOID))
      .where({ interaction_key: p.key })
      .orderBy([
        { column: 'created_at', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .limit(sql.raw('1') as never),
  );
  const forgetEmpty = store.prepare<{ key: string }>((p, sql) =>
    sql(TABLE).where({ interaction_key: p.key }).whereNull('account_id').del(),
  );
  return {
    findNewest: async (key) => {
      const row = await store.find(newest({ key }));
      return row && { ...COLUMNS.read(row), isVoid: row.is_void === 1 };
    },
    insert: (row) => store.compile(store.sql(TABLE).insert(COLUMNS.write(row)), 1),
    forgetEmpty: (key) => forgetEmpty({ key }),
    update: (was, change) =>
      store.compile(
        store
          .sql(TABLE)
          .where({ id: was.id, revision: was.revision })
          .whereNull('ended_at')
          .update(COLUMNS.write(changed(was, change))),
        1,
      ),
    endAll: (interactionKey, at) =>
      store.compile(
        store
          .sql(TABLE)
          .where({ interaction_key: interactionKey })
          .whereNull('ended_at')
          .update({ ended_at: at, staged_hash: null }),
      ),
  };
}

/** The row as an update leaves it. */
export function changed(was: FlowRow, change: FlowChange): FlowRow {
  const next = { ...was, ...change, revision: was.revision + 1 };
  return next.endedAt === undefined ? next : { ...next, stagedHash: undefined };
}
