// What a paced window leaves to the next, what ended well and is taken back, and which browsers and
// applications became known by a second factor.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('limit_counters', (t) => {
    t.integer('carried').notNullable().defaultTo(0);
    t.integer('returned').notNullable().defaultTo(0);
  });
  await knex.schema.alterTable('known_browsers', (t) => {
    // Nobody knows it of those that are there: the next second factor tells.
    t.integer('second_factor').notNullable().defaultTo(0);
    t.text('client_id');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex('known_browsers').whereNotNull('client_id').del();
  await knex.schema.alterTable('known_browsers', (t) => {
    t.dropColumn('client_id');
    t.dropColumn('second_factor');
  });
  await knex.schema.alterTable('limit_counters', (t) => {
    t.dropColumn('returned');
    t.dropColumn('carried');
  });
}
