// The processes that serve, each with the time at which it was last heard of.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('nodes', (t) => {
    t.string('id').primary();
    t.bigInteger('started_at').notNullable();
    t.bigInteger('seen_at').notNullable();
    t.string('version').notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('nodes');
}
