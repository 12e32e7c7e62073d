// Where each session was signed in, and how often an account has renewed its backup codes.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('sessions', (t) => {
    t.text('user_agent');
    t.text('address');
  });
  await knex.schema.alterTable('accounts', (t) => {
    t.integer('backup_codes_revision').notNullable().defaultTo(0);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('accounts', (t) => {
    t.dropColumn('backup_codes_revision');
  });
  await knex.schema.alterTable('sessions', (t) => {
    t.dropColumn('address');
    t.dropColumn('user_agent');
  });
}
