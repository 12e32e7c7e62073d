// What must be there for a request to be served: the tables of this release.
import { ownMigrations, TABLE } from './migrations.ts';
import type { Statement } from './statement.ts';
import type { Store } from './store.ts';

/** All that the migrations make; a test compares. */
export const TABLES = [
  'accounts',
  'audit_counts',
  'audit_events',
  'authenticators',
  'backup_codes',
  'clients',
  'consents',
  'known_browsers',
  'limit_counters',
  'nodes',
  'oidc_artifacts',
  'one_time_links',
  'outbox',
  'phones',
  'service_account_authenticators',
  'service_account_keys',
  'service_accounts',
  'session_clients',
  'sessions',
  'settings',
  'sign_in_flows',
  'signing_keys',
  'spent_steps',
  'texted_codes',
  'trusted_devices',
] as const;

/** Rejects where a table is missing or cannot be read, or a migration of this release is. */
export function createExamine(store: Store): () => Promise<void> {
  // PostgreSQL would look for a first row among many that are dead: there, the table is enough.
  const rows = store.dialect === 'pg' ? 'where 1 = 0' : 'limit 1';
  const looks = TABLES.map((table) => `select 1 from (select 1 from "${table}" ${rows}) as t`);
  const tables: Statement = { sql: looks.join(' union all '), bindings: [] };
  const names = ownMigrations().map(({ name }) => name);
  const applied = store.compile(store.sql(TABLE).whereIn('name', names).count({ n: '*' }));
  return async () => {
    await store.examine([tables]);
    const row = await store.find(applied);
    if (Number(row?.n) === names.length) return;
    throw new Error(`the tables are not those of this release: see "gatehouse migrate --status"`);
  };
}
