// Clients that are disabled and changed by one operator at a time; networks an account is used from.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('clients', (t) => {
    t.integer('revision').notNullable().defaultTo(1);
    t.bigInteger('disabled_at');
  });
  await knex.schema.alterTable('accounts', (t) => {
    t.text('allowed_addresses');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('accounts', (t) => {
    t.dropColumn('allowed_addresses');
  });
  await knex.schema.alterTable('clients', (t) => {
    t.dropColumn('disabled_at');
    t.dropColumn('revision');
  });
}
