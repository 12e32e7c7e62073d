// Messages that must leave the house: written in the unit that causes them, delivered later.
import { defineColumns, integer, json, text } from './columns.ts';
import { type AccountVersion, insertIfCurrent } from './current-account.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

const COLUMNS = defineColumns({
  id: text('id'),
  kind: text('kind'),
  /** One recipient that doesn't answer must not keep the others waiting. */
  recipient: text('recipient'),
  payload: json<Readonly<Record<string, unknown>>>('payload'),
  attempts: integer('attempts'),
  expiresAt: integer('expires_at'),
});

export type OutboxMessage = ReturnType<typeof COLUMNS.read>;

export interface OutboxTable {
  insert(message: OutboxMessage, at: number): Statement;
  /** Nothing where a letter of this id is there already, delivered or not, and has not expired. */
  insertOnce(message: OutboxMessage, at: number): Statement;
  /** Whether such a letter is there, delivered or not, and has not expired. */
  has(id: string, at: number): Promise<boolean>;
  /** Nothing where there is no such account, of this generation and not suspended. */
  insertFor(whose: AccountVersion, message: OutboxMessage, at: number): Statement;
  /** Letters to deliver now, oldest first, twenty at most, to nobody of `except`. */
  due(at: number, except: readonly string[]): Promise<OutboxMessage[]>;
  /** Must hit: takes a letter for one attempt, so that nobody else tries it until `nextAt`. */
  claim(message: OutboxMessage, nextAt: number): Statement;
  /** The letter has arrived: what was in it goes, a mark stays until it expires. */
  done(id: string, at: number): Statement;
  failed(id: string, error: string): Statement;
  /** Nobody tries again: what was in it goes, and why stays until it expires. */
  givenUp(id: string, error: string, at: number): Statement;
}

const AT_ONCE = 20;

export function createOutboxTable(store: Store): OutboxTable {
  const table = () => store.sql('outbox');
  const due = store.prepare<{ at: number }>((p, sql) =>
    sql('outbox')
      .whereNull('done_at')
      .where('due_at', '<=', p.at)
      .where('expires_at', '>', p.at)
      .orderBy('due_at')
      .limit(AT_ONCE),
  );
  return {
    insert: (message, at) => store.compile(table().insert(toRow(message, at)), 1),
    insertOnce: (message, at) =>
      store.compile(
        table()
          .insert(toRow(message, at))
          .onConflict('id')
          .merge({ ...toRow(message, at), done_at: null, last_error: null })
          .where('outbox.expires_at', '<=', at),
      ),
    has: async (id, at) => {
      const query = table().select('id').where({ id }).where('expires_at', '>', at);
      return (await store.find(store.compile(query))) !== undefined;
    },
    insertFor: (whose, message, at) => insertIfCurrent(store, whose, 'outbox', toRow(message, at)),
    due: async (at, except) => {
      const query = table()
        .whereNull('done_at')
        .where('due_at', '<=', at)
        .where('expires_at', '>', at)
        .whereNotIn('recipient', except)
        .orderBy('due_at')
        .limit(AT_ONCE);
      const statement = except.length === 0 ? due({ at }) : store.compile(query);
      return (await store.all(statement)).map(COLUMNS.read);
    },
    claim: ({ id, attempts }, nextAt) =>
      store.compile(
        table()
          .where({ id, attempts })
          .whereNull('done_at')
          .update({ attempts: attempts + 1, due_at: nextAt }),
        1,
      ),
    done: (id, at) => store.compile(table().where({ id }).update({ done_at: at, payload: '{}' })),
    failed: (id, error) => store.compile(table().where({ id }).update({ last_error: error })),
    givenUp: (id, error, at) =>
      store.compile(
        table().where({ id }).update({ done_at: at, payload: '{}', last_error: error }),
      ),
  };
}

function toRow(message: OutboxMessage, at: number): Row {
  return { ...COLUMNS.write(message), due_at: at, created_at: at };
}
