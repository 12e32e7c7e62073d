// A number for each service account, raised by whatever ends what was made before.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('service_accounts', (t) => {
    t.integer('generation').notNullable().defaultTo(0);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('service_accounts', (t) => t.dropColumn('generation'));
}
