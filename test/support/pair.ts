// Two processes of one issuer over one database, and a house of the test's own to fill it.
import { type House, openHouse } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createTestClock } from '../../src/domain/test-clock.ts';
import { moveTestClock } from '../../src/lib/clock.ts';
import { createSettings } from '../../src/store/settings.ts';
import { advanceClock, environment, freePort } from './gatehouse.ts';
import { rememberHashes } from './hashing.ts';
import { type GatehouseProcess, startProcess } from './processes.ts';
import type { StoreKind, TestDatabase } from './stores.ts';

export interface Pair {
  /** The issuer: the first process. */
  readonly url: string;
  readonly house: House;
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
  const house = await openHouse(config, { hashing: rememberHashes });
  const clock = createTestClock(createSettings(house.store));
  const processes = await Promise.all([
    startProcess({ database, port: ports[0], issuer, env: { ...env, ...own[0] } }),
    startProcess({ database, port: ports[1], issuer, env: { ...env, ...own[1] } }),
  ]);
  return {
    url: issuer,
    house,
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
      await house.close();
      database.remove();
    },
  };
}
