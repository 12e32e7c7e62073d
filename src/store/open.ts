// Opens the database that the configuration names.
import { join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Log } from '../lib/log.ts';
import type { DatabaseAddress } from './migrations.ts';
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
  return open(config, log, true);
}

/** Makes nothing and changes nothing: a statement that would is refused. */
export function openToRead(config: Config, log: Log): Store {
  const store = open(config, log, false);
  const refuse = () => Promise.reject(new Error('this command only reads'));
  return { ...store, commit: refuse, write: refuse, run: refuse };
}

function open(config: Config, log: Log, isMade: boolean): Store {
  const { dialect, location, timeout } = addressOf(config);
  const { pool } = config.store;
  const engine =
    dialect === 'pg'
      ? openPostgres({ url: location, pool, timeout, log })
      : openSqlite({ file: location, log, isMade });
  return createStore(dialect, createBuilder(dialect), engine);
}
