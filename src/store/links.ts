// One-time links: spent, and their tickets ended, by one conditional write each.
import { defineColumns, integer, oneOf, optional, text } from './columns.ts';
import { accountIsCurrent, insertIfCurrent } from './current-account.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

const PURPOSES = ['reset-password', 'invitation', 'not-me'] as const;
/** `not-me` sets no password: it ends all sessions, whatever the account's generation. */
export type LinkPurpose = (typeof PURPOSES)[number];

const COLUMNS = defineColumns({
  id: text('id'),
  accountId: text('account_id'),
  purpose: oneOf('purpose', PURPOSES),
  /** Keyed hash of its secret. */
  digest: text('digest'),
  /** The link counts as long as the account has this generation. */
  generation: integer('generation'),
  expiresAt: integer('expires_at'),
  /** When it was spent; whoever spent it goes on with its ticket. */
  usedAt: optional(integer('used_at')),
  /** Who created it: an account, a command's user, or the person at the page. */
  createdBy: text('created_by'),
});

export type Link = ReturnType<typeof COLUMNS.read>;
export type NewLink = Omit<Link, 'usedAt'>;

export interface Redemption {
  readonly digest: string;
  readonly expiresAt: number;
}

export interface LinkTable {
  /** Nothing where there is no such account, of this generation and not suspended. */
  insert(link: NewLink, at: number): Statement;
  /** Links that may be spent, or have been; of a living account, not expired. */
  find(digest: string, at: number): Promise<Link | undefined>;
  findRedeemed(digest: string, at: number): Promise<Link | undefined>;
  /** Must hit: the link is neither used nor expired, and its account lives. */
  spend(digest: string, redemption: Redemption, at: number): Statement;
  /** Must hit: the ticket is neither used nor expired. */
  endRedemption(digest: string, at: number): Statement;
  /** A link `not-me` that has not expired, used or not, of an account that is not suspended. */
  findDisowning(digest: string, at: number): Promise<Link | undefined>;
  /** Must hit: nobody has used it. */
  spendDisowning(digest: string, at: number): Statement;
  /** Uses up all links `not-me` of an account. */
  endDisowning(accountId: string, at: number): Statement;
}

const TABLE = 'one_time_links';
const DISOWNING = { purpose: 'not-me' } as const;

export function createLinkTable(store: Store): LinkTable {
  const table = () => store.sql(TABLE);
  const living = () => table().whereNot(DISOWNING).whereRaw(accountIsCurrent(TABLE));
  const disowning = (at: number) => table().where(DISOWNING).where('expires_at', '>', at);
  const suspended = store.sql('accounts').select('id').where({ status: 'suspended' });
  const find = async (query: ReturnType<typeof living>) =>
    parse(await store.find(store.compile(query.first())));
  return {
    insert: (link, at) => {
      const whose = { id: link.accountId, generation: link.generation };
      return insertIfCurrent(store, whose, TABLE, toRow(link, at));
    },
    find: (digest, at) => find(living().where({ digest }).where('expires_at', '>', at)),
    findRedeemed: (digest, at) =>
      find(living().where({ ticket_digest: digest }).where('ticket_expires_at', '>', at)),
    spend: (digest, redemption, at) =>
      store.compile(
        living().where({ digest }).whereNull('used_at').where('expires_at', '>', at).update({
          used_at: at,
          ticket_digest: redemption.digest,
          ticket_expires_at: redemption.expiresAt,
        }),
        1,
      ),
    endRedemption: (digest, at) =>
      store.compile(
        table()
          .where({ ticket_digest: digest })
          .where('ticket_expires_at', '>', at)
          .update({ ticket_digest: null, ticket_expires_at: null }),
        1,
      ),
    findDisowning: (digest, at) =>
      find(disowning(at).where({ digest }).whereNotIn('account_id', suspended)),
    spendDisowning: (digest, at) =>
      store.compile(
        disowning(at).where({ digest }).whereNull('used_at').update({ used_at: at }),
        1,
      ),
    endDisowning: (accountId, at) =>
      store.compile(
        disowning(at).where({ account_id: accountId }).whereNull('used_at').update({ used_at: at }),
      ),
  };
}

function toRow(link: NewLink, at: number): Row {
  return { ...COLUMNS.write(link), created_at: at };
}

function parse(row: Row | undefined): Link | undefined {
  return row && COLUMNS.read(row);
}
