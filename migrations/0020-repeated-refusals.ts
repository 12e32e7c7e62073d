// Refusals that repeat: one row and a running count for each rule, subject and window.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('audit_counts', (t) => {
    t.text('key').primary();
    t.text('event_id').notNullable();
    t.integer('count').notNullable();
    t.bigInteger('first_at').notNullable();
    t.bigInteger('last_at').notNullable();
    t.bigInteger('closes_at').notNullable().index();
    t.text('kind').notNullable();
    t.text('outcome').notNullable();
    t.text('reason');
    t.text('account_id').index();
    t.text('client_id');
    t.text('flow_id');
    t.text('detail').notNullable();
    // Of the newest one.
    t.text('actor');
    t.text('address');
    t.text('user_agent');
    t.text('trace');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('audit_counts');
}
