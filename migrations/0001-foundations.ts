// The tables of the first release: one wording for SQLite and PostgreSQL.
// Times are UTC milliseconds, flags are 0 or 1, structures are JSON text.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('settings', (t) => {
    t.text('name').primary();
    t.text('value').notNullable();
  });

  await knex.schema.createTable('accounts', (t) => {
    t.text('id').primary();
    t.text('email').notNullable();
    t.text('email_key').notNullable().unique();
    t.text('name');
    t.text('role').notNullable();
    t.text('status').notNullable();
    t.bigInteger('locked_until');
    t.integer('generation').notNullable();
    t.text('password_hash');
    t.bigInteger('password_changed_at');
    t.integer('email_verified').notNullable();
    t.integer('known_policy_version');
    t.bigInteger('mfa_deadline');
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
  });

  await knex.schema.createTable('clients', (t) => {
    t.text('id').primary();
    t.text('metadata').notNullable();
    t.text('secrets').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
  });

  await knex.schema.createTable('signing_keys', (t) => {
    t.text('kid').primary();
    t.text('alg').notNullable();
    t.integer('sequence').notNullable();
    t.text('public_jwk').notNullable();
    t.text('sealed_jwk').notNullable();
    t.bigInteger('created_at').notNullable();
    t.unique(['alg', 'sequence']);
  });

  await knex.schema.createTable('oidc_artifacts', (t) => {
    t.text('model').notNullable();
    t.text('key').notNullable();
    t.text('account_id');
    t.text('client_id');
    t.text('grant_key');
    t.text('user_code_key');
    t.integer('generation');
    t.text('payload').notNullable();
    t.bigInteger('consumed_at');
    t.bigInteger('expires_at').notNullable();
    t.bigInteger('created_at').notNullable();
    t.primary(['model', 'key']);
    t.index(['grant_key']);
    t.index(['user_code_key']);
    t.index(['account_id']);
    t.index(['expires_at']);
  });

  await knex.schema.createTable('sessions', (t) => {
    t.text('uid').primary();
    t.text('key').notNullable().unique();
    t.text('previous_key').index();
    t.bigInteger('previous_until');
    t.text('account_id');
    t.integer('generation');
    t.text('login');
    t.text('state');
    t.bigInteger('seen_at').notNullable();
    t.bigInteger('ended_at');
    t.bigInteger('expires_at').notNullable();
    t.bigInteger('created_at').notNullable();
    t.index(['account_id']);
    t.index(['expires_at']);
  });

  await knex.schema.createTable('session_clients', (t) => {
    t.text('uid').notNullable().references('uid').inTable('sessions').onDelete('CASCADE');
    t.text('client_id').notNullable();
    t.text('sid').notNullable();
    t.text('grant_id');
    t.integer('persists_logout').notNullable();
    t.primary(['uid', 'client_id']);
  });

  await knex.schema.createTable('sign_in_flows', (t) => {
    t.text('id').primary();
    t.text('interaction_key').notNullable().index();
    t.text('client_id').notNullable();
    t.text('account_id');
    t.integer('generation');
    t.text('facts').notNullable();
    t.integer('revision').notNullable();
    t.bigInteger('ended_at');
    t.bigInteger('expires_at').notNullable().index();
    t.bigInteger('created_at').notNullable();
  });

  await knex.schema.createTable('consents', (t) => {
    t.text('account_id').notNullable().references('id').inTable('accounts').onDelete('CASCADE');
    t.text('client_id').notNullable();
    t.text('granted').notNullable();
    t.integer('revision').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
    t.primary(['account_id', 'client_id']);
  });

  await knex.schema.createTable('outbox', (t) => {
    t.text('id').primary();
    t.text('kind').notNullable();
    t.text('recipient').notNullable();
    t.text('payload').notNullable();
    t.integer('attempts').notNullable();
    t.text('last_error');
    t.bigInteger('due_at').notNullable();
    t.bigInteger('done_at');
    t.bigInteger('expires_at').notNullable().index();
    t.bigInteger('created_at').notNullable();
    t.index(['done_at', 'due_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  const tables = [
    'outbox',
    'consents',
    'sign_in_flows',
    'session_clients',
    'sessions',
    'oidc_artifacts',
    'signing_keys',
    'clients',
    'accounts',
    'settings',
  ];
  for (const table of tables) await knex.schema.dropTable(table);
}
