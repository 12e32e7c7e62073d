// A new password waits on its sign-in for the end; imported accounts say whether they existed before.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('sign_in_flows', (t) => {
    t.text('staged_hash');
  });
  await knex.schema.alterTable('accounts', (t) => {
    t.integer('existing').notNullable().defaultTo(0);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('accounts', (t) => {
    t.dropColumn('existing');
  });
  await knex.schema.alterTable('sign_in_flows', (t) => {
    t.dropColumn('staged_hash');
  });
}
