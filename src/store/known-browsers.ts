// Browsers in which an account has signed in: one row each pair.
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface KnownBrowser {
  readonly id: string;
  readonly digest: string;
}

export interface NewKnownBrowser extends KnownBrowser {
  readonly accountId: string;
  readonly at: number;
  readonly expiresAt: number;
}

export interface KnownBrowsers {
  /** Which of the digests, five at most, the account has. */
  find(
    accountId: string,
    digests: readonly string[],
    at: number,
  ): Promise<KnownBrowser | undefined>;
  /** The same in one question, whether there is such an account or not. */
  findByEmailKey(
    emailKey: string,
    digests: readonly string[],
    at: number,
  ): Promise<KnownBrowser | undefined>;
  insert(browser: NewKnownBrowser): Statement;
  touch(id: string, at: number, expiresAt: number): Statement;
  /** Leaves the `keep` of the account that were used last. */
  trim(accountId: string, keep: number): Statement;
  deleteOf(accountId: string, except?: string): Statement;
}

const TABLE = 'known_browsers';
const AT_ONCE = 5;

export function createKnownBrowsers(store: Store): KnownBrowsers {
  const table = () => store.sql(TABLE);
  const found = (column: string) =>
    store.prepare<Record<string, unknown>>((p, sql) =>
      sql(`${TABLE} as b`)
        .join('accounts as a', 'a.id', 'b.account_id')
        .where(column, p.whose as never)
        .whereIn('b.digest', slots().map((slot) => p[slot]) as never)
        .where('b.expires_at', '>', p.at as never)
        .first('b.id', 'b.digest'),
    );
  const byAccount = found('a.id');
  const byEmailKey = found('a.email_key');
  const values = (whose: string, digests: readonly string[], at: number) => ({
    whose,
    at,
    ...Object.fromEntries(slots().map((slot, i) => [slot, digests[i] ?? ''])),
  });
  return {
    find: async (id, digests, at) => parse(await store.find(byAccount(values(id, digests, at)))),
    findByEmailKey: async (key, digests, at) =>
      parse(await store.find(byEmailKey(values(key, digests, at)))),
    insert: (browser) => store.compile(table().insert(toRow(browser)), 1),
    touch: (id, at, expiresAt) =>
      store.compile(table().where({ id }).update({ used_at: at, expires_at: expiresAt })),
    trim: (accountId, keep) => {
      const newest = table()
        .where({ account_id: accountId })
        .orderBy([
          { column: 'used_at', order: 'desc' },
          { column: 'id', order: 'desc' },
        ])
        .limit(keep)
        .select('id');
      return store.compile(table().where({ account_id: accountId }).whereNotIn('id', newest).del());
    },
    deleteOf: (accountId, except = '') =>
      store.compile(table().where({ account_id: accountId }).whereNot('id', except).del()),
  };
}

const slots = () => Array.from({ length: AT_ONCE }, (_, i) => `digest${i}`);

function toRow(browser: NewKnownBrowser): Row {
  return {
    id: browser.id,
    account_id: browser.accountId,
    digest: browser.digest,
    created_at: browser.at,
    used_at: browser.at,
    expires_at: browser.expiresAt,
  };
}

function parse(row: Row | undefined): KnownBrowser | undefined {
  return row && { id: row.id as string, digest: row.digest as string };
}
