// Devices that an account trusts: one row for each browser, with the hash of its secret.
import { defineColumns, integer, text } from './columns.ts';
import type { Statement } from './statement.ts';
import type { Store } from './store.ts';

const COLUMNS = defineColumns({
  id: text('id'),
  accountId: text('account_id'),
  digest: text('digest'),
  /** Of the account when the device was trusted; every change that ends trust raises the account's. */
  generation: integer('generation'),
  userAgent: text('user_agent'),
  usedAt: integer('used_at'),
  expiresAt: integer('expires_at'),
  createdAt: integer('created_at'),
});

export type TrustedDevice = ReturnType<typeof COLUMNS.read>;

export interface TrustedDeviceTable {
  find(id: string): Promise<TrustedDevice | undefined>;
  /** Those that still count, newest first. */
  ofAccount(accountId: string, generation: number, at: number): Promise<TrustedDevice[]>;
  insert(device: TrustedDevice): Statement;
  /** Must hit: nobody has forgotten it meanwhile. */
  touch(id: string, at: number): Statement;
  /** Must hit. */
  delete(accountId: string, id: string): Statement;
  deleteOf(accountId: string): Statement;
}

const TABLE = 'trusted_devices';

export function createTrustedDeviceTable(store: Store): TrustedDeviceTable {
  const table = () => store.sql(TABLE);
  const byId = store.prepare<{ id: string }>((p, sql) => sql(TABLE).where({ id: p.id }));
  return {
    find: async (id) => {
      const row = await store.find(byId({ id }));
      return row && COLUMNS.read(row);
    },
    ofAccount: async (accountId, generation, at) => {
      const living = table()
        .where({ account_id: accountId, generation })
        .where('expires_at', '>', at);
      return (await store.all(store.compile(living.orderBy('created_at', 'desc')))).map(
        COLUMNS.read,
      );
    },
    insert: (device) => store.compile(table().insert(COLUMNS.write(device)), 1),
    touch: (id, at) => store.compile(table().where({ id }).update({ used_at: at }), 1),
    delete: (accountId, id) => store.compile(table().where({ id, account_id: accountId }).del(), 1),
    deleteOf: (accountId) => store.compile(table().where({ account_id: accountId }).del()),
  };
}
