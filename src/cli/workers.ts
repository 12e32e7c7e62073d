// Several processes on one port: the first starts, watches and stops the others.
import cluster, { type Worker } from 'node:cluster';
import { print } from './output.ts';

const RANK = 'GATEHOUSE_RANK';
const PAUSE = 200;

/** 1 for the worker that also runs what there is one of; undefined outside of workers. */
export function rankOfWorker(): number | undefined {
  return cluster.isWorker ? Number(process.env[RANK]) : undefined;
}

/**
 * Resolves with the exit code when all have ended. A worker that dies is replaced, again and again
 * while the database is away; one that never served at all would only fail again: then all stop.
 */
export function runWorkers(count: number): Promise<number> {
  const ranks = new Map<number, number>();
  const listening = new Set<number>();
  let stopping = false;
  let exitCode = 0;

  const fork = (rank: number) => ranks.set(cluster.fork({ [RANK]: String(rank) }).id, rank);
  const stop = () => {
    // A second signal means now.
    const signal = stopping ? 'SIGKILL' : 'SIGTERM';
    stopping = true;
    for (const worker of running()) worker.process.kill(signal);
  };
  const replace = (worker: Worker) => {
    const rank = ranks.get(worker.id) ?? 1;
    print(`Worker ${rank} has ended. Another takes its place.`);
    setTimeout(() => !stopping && fork(rank), PAUSE);
  };

  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  cluster.on('listening', (worker) => listening.add(ranks.get(worker.id) ?? 1));
  for (let rank = 1; rank <= count; rank += 1) fork(rank);

  return new Promise((resolve) => {
    cluster.on('exit', (worker, code) => {
      if (!stopping && listening.has(ranks.get(worker.id) ?? 1)) return replace(worker);
      // One that was still starting knows no better answer to our signal.
      const isOurs = stopping && worker.process.signalCode === 'SIGTERM';
      exitCode ||= isOurs ? 0 : (code ?? 1);
      if (!stopping) stop();
      if (running().length === 0) resolve(exitCode);
    });
  });
}

function running(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
