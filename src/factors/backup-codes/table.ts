// Backup codes as keyed hashes: each is spent once.
import type { Statement } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';

export interface BackupCodeTable {
  /** Undefined: none were ever made for the account. */
  left(accountId: string): Promise<number | undefined>;
  insert(accountId: string, digests: readonly string[], at: number): Statement;
  /** Must hit: nobody has used it before. */
  spend(accountId: string, digest: string, at: number): Statement;
  has(accountId: string, digest: string): Promise<boolean>;
  deleteOf(accountId: string): Statement;
}

const TABLE = 'backup_codes';

export function createBackupCodeTable(store: Store): BackupCodeTable {
  const counts = store.prepare<{ accountId: string }>((p, sql) =>
    sql(TABLE)
      .where({ account_id: p.accountId })
      .select(sql.raw('count(*) as made'), sql.raw('count(used_at) as used')),
  );
  const unused = store.prepare<{ accountId: string; digest: string }>((p, sql) =>
    sql(TABLE)
      .where({ account_id: p.accountId, digest: p.digest })
      .whereNull('used_at')
      .select('digest'),
  );
  const spend = store.prepare<{ accountId: string; digest: string; at: number }>(
    (p, sql) =>
      sql(TABLE)
        .where({ account_id: p.accountId, digest: p.digest })
        .whereNull('used_at')
        .update({ used_at: p.at }),
    1,
  );
  return {
    left: async (accountId) => {
      const row = await store.find(counts({ accountId }));
      const made = Number(row?.made ?? 0);
      return made === 0 ? undefined : made - Number(row?.used ?? 0);
    },
    insert: (accountId, digests, at) => {
      const rows = digests.map((digest) => ({ digest, account_id: accountId, created_at: at }));
      return store.compile(store.sql(TABLE).insert(rows), digests.length);
    },
    spend: (accountId, digest, at) => spend({ accountId, digest, at }),
    has: async (accountId, digest) =>
      (await store.find(unused({ accountId, digest }))) !== undefined,
    deleteOf: (accountId) => store.compile(store.sql(TABLE).where({ account_id: accountId }).del()),
  };
}
