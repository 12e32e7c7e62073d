// Half-done sign-ins: one row each, changed only from the revision that was read.
import { accountIsCurrent } from './current-account.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface FlowRow {
  readonly id: string;
  readonly interactionKey: string;
  readonly clientId: string;
  readonly accountId: string | undefined;
  readonly generation: number | undefined;
  /** JSON of the sign-in's own making. */
  readonly facts: string;
  /** Hash that the end of the sign-in writes to the account; gone when the row ends or expires. */
  readonly stagedHash: string | undefined;
  readonly revision: number;
  readonly endedAt: number | undefined;
  readonly expiresAt: number;
  readonly createdAt: number;
}

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
      return row && { ...parse(row), isVoid: row.is_void === 1 };
    },
    insert: (row) => store.compile(store.sql(TABLE).insert(toRow(row)), 1),
    forgetEmpty: (key) => forgetEmpty({ key }),
    update: (was, change) =>
      store.compile(
        store
          .sql(TABLE)
          .where({ id: was.id, revision: was.revision })
          .whereNull('ended_at')
          .update(toRow(changed(was, change))),
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

function toRow(row: FlowRow): Row {
  return {
    id: row.id,
    interaction_key: row.interactionKey,
    client_id: row.clientId,
    account_id: row.accountId ?? null,
    generation: row.generation ?? null,
    facts: row.facts,
    staged_hash: row.stagedHash ?? null,
    revision: row.revision,
    ended_at: row.endedAt ?? null,
    expires_at: row.expiresAt,
    created_at: row.createdAt,
  };
}

function parse(row: Row): FlowRow {
  return {
    id: row.id as string,
    interactionKey: row.interaction_key as string,
    clientId: row.client_id as string,
    accountId: (row.account_id as string | null) ?? undefined,
    generation: (row.generation as number | null) ?? undefined,
    facts: row.facts as string,
    stagedHash: (row.staged_hash as string | null) ?? undefined,
    revision: row.revision as number,
    endedAt: (row.ended_at as number | null) ?? undefined,
    expiresAt: row.expires_at as number,
    createdAt: row.created_at as number,
  };
}
