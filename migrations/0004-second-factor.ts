// Second factors: authenticators, backup codes, texted codes, and the devices people trust.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('accounts', (t) => {
    t.bigInteger('mfa_enrolled_at');
  });

  await knex.schema.createTable('authenticators', (t) => {
    t.text('id').primary();
    t.text('account_id').notNullable().references('id').inTable('accounts').onDelete('CASCADE');
    t.text('name').notNullable();
    t.text('secret').notNullable();
    t.bigInteger('last_step').notNullable();
    t.bigInteger('used_at');
    t.bigInteger('created_at').notNullable();
    t.index(['account_id']);
  });

  await knex.schema.createTable('spent_steps', (t) => {
    t.text('id').primary();
    t.bigInteger('expires_at').notNullable().index();
  });

  await knex.schema.createTable('backup_codes', (t) => {
    t.text('digest').primary();
    t.text('account_id').notNullable().references('id').inTable('accounts').onDelete('CASCADE');
    t.bigInteger('used_at');
    t.bigInteger('created_at').notNullable();
    t.index(['account_id']);
  });

  await knex.schema.createTable('phones', (t) => {
    t.text('account_id').primary().references('id').inTable('accounts').onDelete('CASCADE');
    t.text('number').notNullable();
    t.bigInteger('used_at');
    t.bigInteger('created_at').notNullable();
  });

  await knex.schema.createTable('texted_codes', (t) => {
    t.text('id').primary();
    t.text('account_id').notNullable().references('id').inTable('accounts').onDelete('CASCADE');
    t.text('digest').notNullable();
    t.bigInteger('used_at');
    t.bigInteger('expires_at').notNullable().index();
    t.bigInteger('created_at').notNullable();
    t.index(['account_id']);
  });

  await knex.schema.createTable('trusted_devices', (t) => {
    t.text('id').primary();
    t.text('account_id').notNullable().references('id').inTable('accounts').onDelete('CASCADE');
    t.text('digest').notNullable();
    t.integer('generation').notNullable();
    t.text('user_agent').notNullable();
    t.bigInteger('used_at').notNullable();
    t.bigInteger('expires_at').notNullable().index();
    t.bigInteger('created_at').notNullable();
    t.index(['account_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  const tables = [
    'trusted_devices',
    'texted_codes',
    'phones',
    'backup_codes',
    'spent_steps',
    'authenticators',
  ];
  for (const table of tables) await knex.schema.dropTable(table);
  await knex.schema.alterTable('accounts', (t) => {
    t.dropColumn('mfa_enrolled_at');
  });
}
