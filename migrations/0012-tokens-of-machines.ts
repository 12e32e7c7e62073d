// What clients hold on nobody's behalf is found by the client: it ends with it.
import type { Knex } from 'knex';

const INDEX = 'oidc_artifacts_own_of_client';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('oidc_artifacts', (t) => {
    t.index(['client_id'], INDEX, { predicate: knex.whereNull('account_id') });
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('oidc_artifacts', (t) => t.dropIndex(['client_id'], INDEX));
}
