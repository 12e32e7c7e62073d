// Browsers in which an account has signed in: one row each pair.
import { defineColumns, flag, text } from './columns.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface KnownBrowser {
  readonly id: string;
  readonly digest: string;
  /** It became known by a sign-in with a second factor, or had one since. */
  readonly hasFactor: boolean;
}

export interface NewKnownBrowser extends KnownBrowser {
  readonly accountId: string;
  readonly at: number;
  readonly expiresAt: number;
  /** The application that signs people in there, where it is no browser. */
  readonly clientId: string | undefined;
}

export interface KnownBrowserTable {
  /** Which of the digests, five at most, the account has. */
  find(
    accountId: string,
    digests: readonly string[],
    at: number,
  ): Promise<KnownBrowser | undefined>;
  /** The same in one question, whether there is such an account or not. */
  findByNormalizedEmail(
    normalizedEmail: string,
    digests: readonly string[],
    at: number,
  ): Promise<KnownBrowser | undefined>;
  /** The id of a row of any account, always the same one. */
  findAny(digests: readonly string[], at: number): Promise<string | undefined>;
  insert(browser: NewKnownBrowser): Statement;
  touch(id: string, at: number, expiresAt: number, hasFactor: boolean): Statement;
  /** Leaves the `keep` that were used last: of its browsers, or of its devices with one application. */
  trim(accountId: string, keep: number, clientId: string | undefined): Statement;
  deleteOf(accountId: string, except?: string): Statement;
}

const TABLE = 'known_browsers';
const AT_ONCE = 5;

const ID = defineColumns({ id: text('id') });
const FOUND = defineColumns({
  id: text('id'),
  digest: text('digest'),
  hasFactor: flag('second_factor'),
});

export function createKnownBrowserTable(store: Store): KnownBrowserTable {
  const table = () => store.sql(TABLE);
  const found = (column: string) =>
    store.prepare<Record<string, unknown>>((p, sql) =>
      sql(`${TABLE} as b`)
        .join('accounts as a', 'a.id', 'b.account_id')
        .where(column, p.whose as never)
        .whereIn('b.digest', slots().map((slot) => p[slot]) as never)
        .where('b.expires_at', '>', p.at as never)
        .first('b.id', 'b.digest', 'b.second_factor'),
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
    findByNormalizedEmail: async (key, digests, at) =>
      parse(await store.find(byEmailKey(values(key, digests, at)))),
    findAny: async (digests, at) => {
      const rows = table().whereIn('digest', digests).where('expires_at', '>', at).orderBy('id');
      const row = await store.find(store.compile(rows.first('id')));
      return row && ID.read(row).id;
    },
    insert: (browser) => store.compile(table().insert(toRow(browser)), 1),
    touch: (id, at, expiresAt, hasFactor) => {
      const seen = { used_at: at, expires_at: expiresAt };
      const all = hasFactor ? { ...seen, second_factor: 1 } : seen;
      return store.compile(table().where({ id }).update(all));
    },
    trim: (accountId, keep, clientId = null as never) => {
      const ofKind = { account_id: accountId, client_id: clientId };
      const newest = table()
        .where(ofKind)
        .orderBy([
          { column: 'used_at', order: 'desc' },
          { column: 'id', order: 'desc' },
        ])
        .limit(keep)
        .select('id');
      return store.compile(table().where(ofKind).whereNotIn('id', newest).del());
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
    second_factor: browser.hasFactor ? 1 : 0,
    client_id: browser.clientId ?? null,
  };
}

function parse(row: Row | undefined): KnownBrowser | undefined {
  return row && FOUND.read(row);
}
