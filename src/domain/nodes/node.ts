// This process among those that serve, and whether it can: proved by renewing its own row.
import { hostname } from 'node:os';
import { elapsed, machineTime } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import type { Log } from '../../lib/log.ts';
import { release } from '../../lib/release.ts';
import { createExamine } from '../../store/examine.ts';
import { BEAT, type NodeTable } from '../../store/nodes.ts';
import type { Store } from '../../store/store.ts';
import type { ClockSkew } from './clock-skew.ts';

export interface Node {
  readonly id: string;
  /**
   * Whether everything is there and a write succeeds: tried once a second at most, whoever asks.
   * False where that takes longer than two seconds.
   */
  isReady(): Promise<boolean>;
  /** Milliseconds by which this machine's clock is ahead of the database's. */
  clockSkew(): number;
  /** From now on its row is renewed. */
  begin(): Promise<void>;
  /** Its row goes. */
  end(): Promise<void>;
}

export interface NodeNeeds {
  readonly store: Store;
  readonly nodeTable: NodeTable;
  readonly clockSkew: ClockSkew;
  readonly log: Log;
}

const ONCE_IN = 1_000;
const PATIENCE = 2_000;
const FORGOTTEN_AFTER = 86_400_000;

export function createNode({ store, nodeTable, clockSkew, log }: NodeNeeds): Node {
  const id = `${hostname()}/${process.pid}/${randomId(48)}`;
  const startedAt = machineTime();
  const examine = createExamine(store);
  const report = createReport(log);
  const prove = async (): Promise<void> => {
    await examine();
    await clockSkew.measure();
    const seen = { seenAt: machineTime(), clockSkew: clockSkew.skew() };
    await store.write(nodeTable.beat({ id, startedAt, version: release(), ...seen }));
  };
  const proof = onceIn(ONCE_IN, () => prove().then(report.well, report.failed));
  let timer: NodeJS.Timeout | undefined;
  return {
    id,
    isReady: proof,
    clockSkew: clockSkew.skew,
    begin: async () => {
      await store.run(nodeTable.removeUnseenSince(machineTime() - FORGOTTEN_AFTER));
      await proof();
      timer = setInterval(() => void proof(), BEAT);
      timer.unref();
    },
    end: async () => {
      clearInterval(timer);
      await proof();
      // Where the store is away the row is taken for that of a killed process, in some seconds.
      await within(PATIENCE, store.run(nodeTable.remove(id)).then(yes, no));
    },
  };
}

const yes = () => true;
const no = () => false;

/** One try at a time; its result stands until `pause` after it began. */
function onceIn(pause: number, work: () => Promise<boolean>): () => Promise<boolean> {
  let began = -Infinity;
  let isRunning = false;
  let last: Promise<boolean> = Promise.resolve(false);
  return () => {
    const age = elapsed() - began;
    if (!isRunning && age >= pause) {
      began = elapsed();
      isRunning = true;
      last = work().finally(() => {
        isRunning = false;
      });
      return within(PATIENCE, last);
    }
    // Whoever comes late need not wait as long again.
    return isRunning ? within(Math.max(0, PATIENCE - age), last) : last;
  };
}

function within(patience: number, work: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patience);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** What fails every other second is said once, until it goes well again. */
function createReport(log: Log) {
  let said: string | undefined;
  return {
    well: () => {
      if (said !== undefined) log.info('the database can be used again');
      said = undefined;
      return true;
    },
    failed: (error: Error) => {
      const why = String((error.cause as Error | undefined)?.message ?? error.message);
      if (why !== said) log.error({ err: error.cause ?? error }, 'not ready: the database fails');
      said = why;
      return false;
    },
  };
}
