// Opens the database that the configuration names.
import { join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Log } from '../lib/log.ts';
import type { DatabaseAddress } from './migrate.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';
import { createBuilder } from './statement.ts';
import { createStore, type Store } from './store.ts';

export function addressOf(config: Config): DatabaseAddress {
  const url = config.database_url ?? `sqlite:${join(config.data_dir, 'gatehouse.sqlite')}`;
  const { timeout } = config.store;
  return url.startsWith('sqlite:')
    ? { dialect: 'better-sqlite3', location: resolve(url.slice('sqlite:'.length)), timeout }
    : { dialect: 'pg', location: url, timeout };
}

export function openStore(config: Config, log: Log): Store {
  const { dialect, location, timeout } = addressOf(config);
  const { pool } = config.store;
  const engine =
    dialect === 'pg' ? openPostgres({ url: location, pool, timeout, log }) : openSqlite(location);
  return createStore(dialect, createBuilder(dialect), engine);
}
