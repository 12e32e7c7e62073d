// Two processes of one issuer over one database, and a house of the test's own to fill it.
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createTestClock } from '../../src/domain/nodes/test-clock.ts';
import { moveTestClock } from '../../src/lib/clock.ts';
import { createSettingTable } from '../../src/store/settings.ts';
import { advanceClock, environment, freePort } from './gatehouse.ts';
import { rememberHashes } from './hashing.ts';
import { type GatehouseProcess, startProcess } from './processes.ts';
import type { StoreKind, TestDatabase } from './stores.ts';

export interface Pair {
  /** The issuer: the first process. */
  readonly url: string;
  readonly core: Core;
  readonly database: TestDatabase;
  readonly processes: readonly [GatehouseProcess, GatehouseProcess];
  advance(text: string): Promise<void>;
  stop(): Promise<void>;
}

type Env = Readonly<Record<string, string>>;

/** @param own of each process */
export async function startPair(
  store: StoreKind,
  env: Env = {},
  given?: TestDatabase,
  own: readonly [first: Env, second: Env] = [{}, {}],
): Promise<Pair> {
  const database = given ?? (await store.createMigrated());
  const ports = [await freePort(), await freePort()] as const;
  const issuer = `http://localhost:${ports[0]}`;
  const config = loadConfig(environment(database, ports[0]));
  const core = await openCore(config, { hashing: rememberHashes });
  const clock = createTestClock(createSettingTable(core.store));
  const processes = await Promise.all([
    startProcess({ database, port: ports[0], issuer, env: { ...env, ...own[0] } }),
    startProcess({ database, port: ports[1], issuer, env: { ...env, ...own[1] } }),
  ]);
  return {
    url: issuer,
    core,
    database,
    processes,
    advance: async (text) => {
      await advanceClock(issuer, text);
      // Codes that this process makes are of the same time, to the millisecond.
      await clock.sync();
    },
    stop: async () => {
      moveTestClock(0);
      await Promise.all(processes.map((each) => each.stop()));
      await core.close();
      database.remove();
    },
  };
}
