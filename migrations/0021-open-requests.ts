// Which counter a request that waits for a person stands in, and when it was answered.
import type { Knex } from 'knex';

const INDEX = 'known_browsers_digest';
const COLUMNS = ['counted_key', 'answered_at'] as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('oidc_artifacts', (t) => {
    t.text('counted_key');
    t.bigInteger('answered_at');
  });
  await knex.raw(`create index ${INDEX} on known_browsers (digest)`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index ${INDEX}`);
  for (const column of COLUMNS) await knex.raw(`alter table oidc_artifacts drop column ${column}`);
}
