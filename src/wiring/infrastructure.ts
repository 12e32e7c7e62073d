// What all parts of the house are made from.
import type { Config } from '../config/schema.ts';
import type { Hashing } from '../domain/passwords/hashing.ts';
import type { Log } from '../lib/log.ts';
import type { Vault } from '../lib/vault.ts';
import type { Store } from '../store/store.ts';
import type { Tables } from './tables.ts';

export interface Infrastructure {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly tables: Tables;
  readonly vault: Vault;
  readonly hashing: Hashing;
}
