// What happened: one row an event, kept when its account is gone. A counter says which rule it is of.
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('audit_events', (t) => {
    t.text('id').primary();
    t.bigInteger('time').notNullable();
    t.text('kind').notNullable();
    t.text('outcome').notNullable();
    t.text('reason');
    t.text('account_id');
    t.text('actor');
    t.text('client_id');
    t.text('address');
    t.text('user_agent');
    t.text('trace');
    t.text('flow_id');
    t.text('detail').notNullable();
    t.bigInteger('sequence');
    t.text('hash');
    t.index(['kind', 'time']);
    t.index(['trace']);
    // Rows that have nothing there stand in no index: most rows are of tokens, and written often.
    const known = (column: string) => ({ predicate: knex.whereNotNull(column) });
    t.index(['account_id', 'time'], 'audit_events_account_id_time', known('account_id'));
    t.index(['flow_id'], 'audit_events_flow_id', known('flow_id'));
    t.unique(['sequence'], { indexName: 'audit_events_sequence', ...known('sequence') });
    t.index(['id'], 'audit_events_unsealed', { predicate: knex.whereNull('sequence') });
  });

  await knex.schema.alterTable('limit_counters', (t) => {
    t.text('rule');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('limit_counters', (t) => {
    t.dropColumn('rule');
  });
  await knex.schema.dropTable('audit_events');
}
