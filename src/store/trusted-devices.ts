// Devices that an account trusts: one row for each browser, with the hash of its secret.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface TrustedDevice {
  readonly id: string;
  readonly accountId: string;
  readonly digest: string;
  /** Of the account when it was trusted: every change that ends trust raises the account's. */
  readonly generation: number;
  readonly userAgent: string;
  readonly usedAt: number;
  readonly expiresAt: number;
  readonly createdAt: number;
}

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
      return row && parse(row);
    },
    ofAccount: async (accountId, generation, at) => {
      const living = table()
        .where({ account_id: accountId, generation })
        .where('expires_at', '>', at);
      return (await store.all(store.compile(living.orderBy('created_at', 'desc')))).map(parse);
    },
    insert: (device) => store.compile(table().insert(toRow(device)), 1),
    touch: (id, at) => store.compile(table().where({ id }).update({ used_at: at }), 1),
    delete: (accountId, id) => store.compile(table().where({ id, account_id: accountId }).del(), 1),
    deleteOf: (accountId) => store.compile(table().where({ account_id: accountId }).del()),
  };
}

function toRow(device: TrustedDevice): Row {
  return {
    id: device.id,
    account_id: device.accountId,
    digest: device.digest,
    generation: device.generation,
    user_agent: device.userAgent,
    used_at: device.usedAt,
    expires_at: device.expiresAt,
    created_at: device.createdAt,
  };
}

function parse(row: Row): TrustedDevice {
  return {
    id: row.id as string,
    accountId: row.account_id as string,
    digest: row.digest as string,
    generation: row.generation as number,
    userAgent: row.user_agent as string,
    usedAt: row.used_at as number,
    expiresAt: row.expires_at as number,
    createdAt: row.created_at as number,
  };
}
