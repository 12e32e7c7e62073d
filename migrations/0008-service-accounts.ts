// Service accounts: machines with keys of their own, some with an authenticator.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('service_accounts', (t) => {
    t.text('id').primary();
    t.text('name').notNullable();
    t.text('status').notNullable();
    t.text('scopes').notNullable();
    t.text('resources').notNullable();
    t.text('addresses').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
  });

  await knex.schema.createTable('service_account_keys', (t) => {
    t.text('account_id')
      .notNullable()
      .references('id')
      .inTable('service_accounts')
      .onDelete('CASCADE');
    t.text('kid').notNullable();
    t.text('alg').notNullable();
    t.text('jwk').notNullable();
    t.bigInteger('expires_at');
    t.bigInteger('revoked_at');
    t.bigInteger('used_at');
    t.bigInteger('created_at').notNullable();
    t.primary(['account_id', 'kid']);
  });

  await knex.schema.createTable('service_account_authenticators', (t) => {
    t.text('id').primary();
    t.text('account_id')
      .notNullable()
      .references('id')
      .inTable('service_accounts')
      .onDelete('CASCADE');
    t.text('name').notNullable();
    t.text('secret').notNullable();
    t.bigInteger('last_step').notNullable();
    t.bigInteger('used_at');
    t.bigInteger('created_at').notNullable();
    t.index(['account_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('service_account_authenticators');
  await knex.schema.dropTable('service_account_keys');
  await knex.schema.dropTable('service_accounts');
}
