// A whole Gatehouse in this process, on a free port and a database of its own.
import { join } from 'node:path';
import type { Core, Options } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Running, start } from '../../src/main.ts';
import { rememberHashes } from './hashing.ts';
import { freePort } from './ports.ts';
import { SQLITE, type StoreKind, type TestDatabase } from './stores.ts';

export interface Gatehouse {
  readonly url: string;
  readonly core: Core;
  readonly database: TestDatabase;
  /** Moves the clock: `90s`, `15m`, `8d`. */
  advance(text: string): Promise<void>;
  /** Stops the server and keeps the database. */
  pause(): Promise<void>;
  /** Stops the server and removes the database. */
  stop(): Promise<void>;
}

export interface GatehouseOptions extends Options {
  readonly store?: StoreKind;
  readonly database?: TestDatabase;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export { freePort };

/** Most tests are about something else than second factors; in a file for GATEHOUSE_CONFIG. */
export const WITHOUT_FACTOR = { mfa: { required: false } };
const WITHOUT_FACTOR_FILE = join(import.meta.dirname, 'without-factor.json');
/** For `env`: as Gatehouse is when nothing is configured. */
export const WITH_FACTOR = { GATEHOUSE_CONFIG: '' };

/** The environment of a test server, in this process or in one of its own. */
export function environment(
  database: TestDatabase,
  port: number,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    NODE_ENV: 'test',
    PORT: String(port),
    DATA_DIR: database.dataDir,
    ...(database.url ? { DATABASE_URL: database.url } : {}),
    TEST_CLOCK: '1',
    LOG_LEVEL: 'silent',
    GATEHOUSE_CONFIG: WITHOUT_FACTOR_FILE,
    ...more,
  };
}

export async function startGatehouse(options: GatehouseOptions = {}): Promise<Gatehouse> {
  const database = options.database ?? (await (options.store ?? SQLITE).createMigrated());
  const port = options.port ?? (await freePort());
  const config = loadConfig(environment(database, port, options.env));
  const running: Running = await start(config, { hashing: rememberHashes, ...options });
  const pause = () => running.stop();
  return {
    url: config.issuer,
    core: running.core,
    database,
    advance: async (text) => {
      await advanceClock(config.issuer, text);
    },
    pause,
    stop: async () => {
      await advanceClock(config.issuer, undefined);
      await pause();
      database.remove();
    },
  };
}

/** @param text undefined puts the clock back. */
export async function advanceClock(url: string, text: string | undefined): Promise<void> {
  const response = await fetch(`${url}/test/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(text === undefined ? { reset: true } : { advance: text }),
  });
  await response.text();
  if (!response.ok) throw new Error(`the clock answered ${response.status}`);
}
