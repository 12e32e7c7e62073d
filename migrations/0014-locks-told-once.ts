// A limit that closes is told of once, by whoever of those that fail at once is first.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('limit_counters', (t) => {
    t.bigInteger('told_until').notNullable().defaultTo(0);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('limit_counters', (t) => {
    t.dropColumn('told_until');
  });
}
