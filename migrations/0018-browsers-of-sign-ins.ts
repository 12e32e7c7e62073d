// Which browser an authorization request that waits for a person belongs to.
import type { Knex } from 'knex';

const INDEX = 'oidc_artifacts_browser_index';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('oidc_artifacts', (t) => t.text('browser_key'));
  // Codes and tokens, which are most rows, have no browser and need no entry.
  await knex.raw(
    `create index ${INDEX} on oidc_artifacts (browser_key, created_at) where browser_key is not null`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index ${INDEX}`);
  await knex.raw('alter table oidc_artifacts drop column browser_key');
}
