// One-time links: each is spent once for a ticket, and the ticket once for a new password.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('one_time_links', (t) => {
    t.text('id').primary();
    t.text('account_id')
      .notNullable()
      .references('id')
      .inTable('accounts')
      .onDelete('CASCADE')
      .index();
    t.text('purpose').notNullable();
    t.text('digest').notNullable().unique();
    t.integer('generation').notNullable();
    t.bigInteger('expires_at').notNullable().index();
    t.bigInteger('used_at');
    t.text('ticket_digest').unique();
    t.bigInteger('ticket_expires_at');
    t.text('created_by').notNullable();
    t.bigInteger('created_at').notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('one_time_links');
}
