// Counters of failed attempts, and the browsers in which people have signed in before.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('limit_counters', (t) => {
    t.text('key').primary();
    t.text('subject').index();
    t.integer('failures').notNullable();
    t.integer('pending').notNullable();
    t.bigInteger('started_at').notNullable();
    t.bigInteger('last_at').notNullable();
    t.bigInteger('paused_until').notNullable();
    t.bigInteger('expires_at').notNullable().index();
  });

  await knex.schema.createTable('known_browsers', (t) => {
    t.text('id').primary();
    t.text('account_id').notNullable().references('id').inTable('accounts').onDelete('CASCADE');
    t.text('digest').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('used_at').notNullable();
    t.bigInteger('expires_at').notNullable().index();
    t.unique(['account_id', 'digest']);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['known_browsers', 'limit_counters']) await knex.schema.dropTable(table);
}
