// Several processes on one port: the first starts, watches and stops the others.
import cluster, { type Worker } from 'node:cluster';
import { now } from '../lib/clock.ts';
import { print } from './output.ts';

const RANK = 'GATEHOUSE_RANK';
const REPLACE_ME = 'gatehouse: replace me';

/** Milliseconds. */
const SHORTEST_PAUSE = 200;
const LONGEST_PAUSE = 10_000;
/** Whoever has lived for so long did not die of its start. */
const STEADY = 60_000;

export interface Workers {
  /** Resolves with the exit code once all have ended. */
  readonly ended: Promise<number>;
  /** Lets them finish; a second time kills them. */
  stop(): void;
}

/** 1 for the worker that also runs what there is one of; undefined outside of workers. */
export function rankOfWorker(): number | undefined {
  return cluster.isWorker ? Number(process.env[RANK]) : undefined;
}

/** Lets another one start while this one still finishes what runs. */
export function askForReplacement(): void {
  if (cluster.isWorker && process.connected) process.send?.(REPLACE_ME);
}

/** Milliseconds before the next start, after so many deaths one soon after the other. */
export function pauseAfter(deaths: number): number {
  return Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (deaths - 1));
}

interface Place {
  readonly rank: number;
  hasServed: boolean;
  deaths: number;
  startedAt: number;
}

/**
 * A worker that dies is replaced, again and again while the database is away, though ever more
 * slowly; one that never served at all would only fail again: then all stop.
 */
export function runWorkers(count: number): Workers {
  const places = new Map<number, Place>();
  const replaced = new Set<number>();
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  let stopping = false;
  let exitCode = 0;

  const fork = (place: Place) => {
    const worker = cluster.fork({ [RANK]: String(place.rank) });
    place.startedAt = now();
    places.set(worker.id, place);
    worker.on('error', (error) => failToStart(worker, error));
  };
  const failToStart = (worker: Worker, error: Error) => {
    print(`Worker ${places.get(worker.id)?.rank}: ${error.message}`);
    if (worker.process.pid !== undefined) return;
    // No process, so no exit will be told.
    delete cluster.workers?.[worker.id];
    onExit(worker, 1);
  };
  const stop = () => {
    // A second signal means now.
    const signal = stopping ? 'SIGKILL' : 'SIGTERM';
    stopping = true;
    for (const worker of running()) worker.process.kill(signal);
    if (running().length === 0) resolve(exitCode);
  };
  const replace = ({ id }: Worker, what: string) => {
    const place = places.get(id);
    if (!place || stopping || replaced.has(id)) return;
    replaced.add(id);
    const isSteady = now() - place.startedAt > STEADY;
    place.deaths = isSteady ? 1 : place.deaths + 1;
    print(`Worker ${place.rank} ${what}. Another takes its place.`);
    setTimeout(() => !stopping && fork(place), pauseAfter(place.deaths));
  };
  const onExit = (worker: Worker, code: number | null) => {
    const { id, process: child } = worker;
    if (!stopping && places.get(id)?.hasServed) {
      return replace(worker, `has ended (${child.signalCode ?? `exit code ${code}`})`);
    }
    // One that was still starting knows no better answer to our signal.
    const isOurs = stopping && child.signalCode === 'SIGTERM';
    exitCode ||= isOurs ? 0 : (code ?? 1);
    if (!stopping) stop();
    if (running().length === 0) resolve(exitCode);
  };

  cluster.on('listening', ({ id }) => Object.assign(places.get(id) ?? {}, { hasServed: true }));
  cluster.on('message', (worker, message) => {
    if (message === REPLACE_ME) replace(worker, 'failed and is finishing its requests');
  });
  cluster.on('exit', onExit);
  for (let rank = 1; rank <= count; rank += 1) {
    fork({ rank, hasServed: false, deaths: 0, startedAt: 0 });
  }
  return { ended, stop };
}

function running(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
