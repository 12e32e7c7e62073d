// Phone numbers that codes are texted to, and the codes that are under way.
import { defineColumns, integer, optional, text } from '../../store/columns.ts';
import type { Statement } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';

const PHONE = defineColumns({
  accountId: text('account_id'),
  /** Sealed. */
  number: text('number'),
  usedAt: optional(integer('used_at')),
  createdAt: integer('created_at'),
});
const CODE = defineColumns({ id: text('id'), digest: text('digest') });

export type Phone = ReturnType<typeof PHONE.read>;
export type TextedCode = ReturnType<typeof CODE.read>;

export interface PhoneTable {
  find(accountId: string): Promise<Phone | undefined>;
  /** Must hit: the account has none yet. */
  insert(phone: Phone): Statement;
  touch(accountId: string, at: number): Statement;
  /** Must hit. */
  delete(accountId: string): Statement;
  deleteOf(accountId: string): Statement;
  insertCode(code: TextedCode & { accountId: string; at: number; expiresAt: number }): Statement;
  deleteCodes(accountId: string): Statement;
  /** Unused and not expired, newest first. */
  codes(accountId: string, at: number): Promise<TextedCode[]>;
  /** Must hit: nobody has used it before. */
  spendCode(id: string, at: number): Statement;
}

export function createPhoneTable(store: Store): PhoneTable {
  const phones = () => store.sql('phones');
  const codes = () => store.sql('texted_codes');
  return {
    find: async (accountId) => {
      const row = await store.find(store.compile(phones().where({ account_id: accountId })));
      return row && PHONE.read(row);
    },
    insert: ({ accountId, number, usedAt, createdAt }) =>
      store.compile(
        phones()
          .insert({ account_id: accountId, number, used_at: usedAt ?? null, created_at: createdAt })
          .onConflict('account_id')
          .ignore(),
        1,
      ),
    touch: (accountId, at) =>
      store.compile(phones().where({ account_id: accountId }).update({ used_at: at })),
    delete: (accountId) => store.compile(phones().where({ account_id: accountId }).del(), 1),
    deleteOf: (accountId) => store.compile(phones().where({ account_id: accountId }).del()),
    insertCode: ({ id, accountId, digest, at, expiresAt }) =>
      store.compile(
        codes().insert({
          id,
          account_id: accountId,
          digest,
          expires_at: expiresAt,
          created_at: at,
        }),
        1,
      ),
    deleteCodes: (accountId) => store.compile(codes().where({ account_id: accountId }).del()),
    codes: async (accountId, at) => {
      const open = codes()
        .where({ account_id: accountId })
        .whereNull('used_at')
        .where('expires_at', '>', at)
        .orderBy('created_at', 'desc')
        .select('id', 'digest');
      return (await store.all(store.compile(open))).map(CODE.read);
    },
    spendCode: (id, at) =>
      store.compile(codes().where({ id }).whereNull('used_at').update({ used_at: at }), 1),
  };
}
