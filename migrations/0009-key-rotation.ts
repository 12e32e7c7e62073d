// When each signing key begins to sign, how long its predecessors stay, and when it was retired.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('signing_keys', (t) => {
    t.bigInteger('signs_from').notNullable().defaultTo(0);
    t.bigInteger('overlap').notNullable().defaultTo(0);
    t.bigInteger('retired_at');
  });
  await knex('signing_keys').update({ signs_from: knex.ref('created_at') });
}

export async function down(knex: Knex): Promise<void> {
  // Without its private half a key is nothing that an earlier release could load.
  await knex('signing_keys').whereNotNull('retired_at').del();
  await knex.schema.alterTable('signing_keys', (t) => {
    t.dropColumn('retired_at');
    t.dropColumn('overlap');
    t.dropColumn('signs_from');
  });
}
