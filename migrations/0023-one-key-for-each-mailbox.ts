// Addresses are compared with their domain in ASCII, and a change of factors is counted for itself.
import { domainToASCII } from 'node:url';
import type { Knex } from 'knex';

interface Row {
  readonly id: string;
  readonly email: string;
  readonly email_key: string;
  readonly created_at: number | string;
}

type ToKey = (email: string) => string;

const AT_ONCE = 1_000;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('accounts', (t) => {
    t.integer('factors_revision').notNullable().defaultTo(0);
  });
  await rewriteKeys(knex, keyWithAsciiDomain);
}

export async function down(knex: Knex): Promise<void> {
  await rewriteKeys(knex, (email) => email.trim().normalize('NFKC').toLowerCase());
  await knex.schema.alterTable('accounts', (t) => t.dropColumn('factors_revision'));
}

/** As src/domain/accounts/emails.ts had it when this was written. */
function keyWithAsciiDomain(email: string): string {
  const form = email.normalize('NFKC').trim().toLowerCase();
  const at = form.lastIndexOf('@');
  const domain = form.slice(at + 1);
  const isPlain = at < 0 || /^\p{ASCII}*$/u.test(domain) || /[/?#%:@\\[\]\s<>^|]/.test(domain);
  const key = isPlain ? form : form.slice(0, at + 1) + (domainToASCII(domain) || domain);
  return key === email ? key : keyWithAsciiDomain(key);
}

async function rewriteKeys(knex: Knex, toKey: ToKey): Promise<void> {
  for (let after = ''; ; ) {
    const rows: Row[] = await knex('accounts')
      .select('id', 'email', 'email_key', 'created_at')
      .where('id', '>', after)
      .orderBy('id')
      .limit(AT_ONCE);
    for (const row of rows) {
      const key = toKey(row.email);
      if (key !== row.email_key) await giveKey(knex, row, key);
    }
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
  }
}

/** Of two accounts with one mailbox the older keeps it; `gatehouse doctor` names the other. */
async function giveKey(knex: Knex, row: Row, key: string): Promise<void> {
  const holder: Row | undefined = await knex('accounts').where({ email_key: key }).first();
  if (!holder) return setKey(knex, row, key);
  const [first, second] = isOlder(row, holder) ? [row, holder] : [holder, row];
  await setKey(knex, second, `duplicate:${second.id}`);
  await setKey(knex, first, key);
}

function isOlder(one: Row, other: Row): boolean {
  const [a, b] = [Number(one.created_at), Number(other.created_at)];
  return a === b ? one.id < other.id : a < b;
}

async function setKey(knex: Knex, { id }: Row, key: string): Promise<void> {
  await knex('accounts').where({ id }).update({ email_key: key });
}
