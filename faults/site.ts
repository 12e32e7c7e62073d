// Two processes of one issuer that can be killed, and a house of our own to fill and to look.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Core, openCore } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { createTestClock } from '../src/domain/nodes/test-clock.ts';
import { machineTime, moveTestClock } from '../src/lib/clock.ts';
import { createSettingTable } from '../src/store/settings.ts';
import { type Application, createApplication } from '../test/support/application.ts';
import { advanceClock, environment, freePort, WITHOUT_FACTOR } from '../test/support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../test/support/processes.ts';
import { createRelyingParty, type RelyingParty } from '../test/support/relying-party.ts';
import type { StoreKind, TestDatabase } from '../test/support/stores.ts';

/** A refresh token is good once, so that one that was lost or given twice shows. */
const ONCE_ONLY = { refresh: { reuse_interval: 0 } };
const ROTATING = { rotate_refresh_tokens: true };

export interface SiteOptions {
  readonly count?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Of one node alone, by its number. */
  readonly own?: ReadonlyArray<Readonly<Record<string, string>>>;
  readonly config?: object;
  readonly database?: TestDatabase;
  /** Where the nodes reach PostgreSQL, if not where we do. */
  readonly nodesUrl?: string;
}

export interface Node {
  /** `http://localhost:PORT` */
  readonly url: string;
  readonly port: number;
  readonly process: GatehouseProcess;
}

export interface Site {
  /** The issuer: the first node. */
  readonly url: string;
  readonly core: Core;
  readonly database: TestDatabase;
  readonly party: RelyingParty;
  readonly application: Application;
  readonly nodes: readonly Node[];
  at(number: number): string;
  /** SIGKILL, and nothing else. */
  kill(number: number): Promise<void>;
  /** After a kill; gives the seconds until it was ready. */
  start(number: number): Promise<number>;
  terminate(number: number): Promise<void>;
  advance(text: string): Promise<void>;
  /** What all processes have written, also those that are gone. */
  output(): string;
  stop(): Promise<void>;
}

export async function openSite(kind: StoreKind, options: SiteOptions = {}): Promise<Site> {
  const { count = 2, nodesUrl } = options;
  const database = options.database ?? (await kind.createMigrated());
  const file = join(database.dataDir, 'faults.json');
  writeFileSync(file, JSON.stringify({ ...ONCE_ONLY, ...WITHOUT_FACTOR, ...options.config }));
  const common = { LOG_LEVEL: 'warn', GATEHOUSE_CONFIG: file, ...options.env };
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const issuer = `http://localhost:${ports[0]}`;
  const core = await openCore(
    loadConfig(environment(database, ports[0] ?? 0, { ...common, LOG_LEVEL: 'silent' })),
  );
  const clock = createTestClock(createSettingTable(core.store));
  const theirs = nodesUrl ? { ...database, url: nodesUrl } : database;
  const past: string[] = [];
  const startNode = async (index: number): Promise<Node> => {
    const port = ports[index] ?? 0;
    const env = { ...common, ...options.own?.[index] };
    const process = await startProcess({ database: theirs, port, issuer, env });
    return { url: process.url, port, process };
  };
  const nodes = await Promise.all(ports.map((_, index) => startNode(index)));
  const site = { core, url: issuer };
  const running = () => nodes.filter(({ process }) => process.exit() === undefined);
  const end = async (index: number, signal: NodeJS.Signals) => {
    const node = nodes[index];
    if (!node || node.process.exit()) return;
    await node.process.kill(signal);
    past.push(node.process.output());
  };
  return {
    ...site,
    database,
    nodes,
    party: await createRelyingParty(site, { metadata: ROTATING }),
    application: await createApplication(site, ROTATING),
    at: (index) => nodes[index % count]?.url ?? issuer,
    kill: (index) => end(index, 'SIGKILL'),
    terminate: (index) => end(index, 'SIGTERM'),
    start: async (index) => {
      const from = machineTime();
      nodes[index] = await startNode(index);
      return (machineTime() - from) / 1000;
    },
    advance: async (text) => {
      await advanceClock(running()[0]?.url ?? issuer, text);
      await clock.sync();
    },
    output: () => [...past, ...running().map(({ process }) => process.output())].join(''),
    stop: async () => {
      moveTestClock(0);
      await Promise.all(running().map(({ process }) => process.stop()));
      await core.close();
      if (!options.database) database.remove();
    },
  };
}
