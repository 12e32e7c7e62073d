// Asks over and over on a fixed number of connections, and counts what is answered in a time.
import { performance } from 'node:perf_hooks';
import { type Connection, openConnection } from './connection.ts';
import { cpuSeconds } from './cpu.ts';
import type { Server } from './requests.ts';

/** What one connection does, again and again. */
export type Job = (connection: Connection, worker: number) => Promise<unknown>;

export interface Duration {
  readonly workers: number;
  readonly warmUp: number;
  readonly seconds: number;
}

/** What one turn has counted. */
export interface Sample {
  /** Milliseconds of each answer. */
  readonly took: readonly number[];
  readonly seconds: number;
  /** Seconds of CPU time; NaN where other work was mixed with this. */
  readonly serverCpu: number;
  readonly generatorCpu: number;
}

export interface Figures {
  /** Answers a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of the server's CPU time for each answer. */
  readonly cpu: number;
  /** Answers that this generator could take in a second of its own CPU time. */
  readonly capacity: number;
}

export async function drive(server: Server, duration: Duration, job: Job): Promise<Sample> {
  const { workers, warmUp, seconds } = duration;
  const connections = Array.from({ length: workers }, () => openConnection(server.port));
  const from = performance.now() + warmUp * 1000;
  const until = from + seconds * 1000;
  const took: number[] = [];

  const work = async (connection: Connection, worker: number) => {
    for (let started = performance.now(); started < until; ) {
      await job(connection, worker);
      const ended = performance.now();
      if (ended >= from && ended < until) took.push(ended - started);
      started = ended;
    }
  };

  try {
    const cpu = cpuBetween(server, from, until);
    await Promise.all(connections.map(work));
    return { took, seconds, ...(await cpu) };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Does the job once on each connection. */
export async function once<T>(
  server: Server,
  workers: number,
  job: (connection: Connection, worker: number) => Promise<T>,
): Promise<T[]> {
  const each = async (_: unknown, worker: number) => {
    const connection = openConnection(server.port);
    try {
      return await job(connection, worker);
    } finally {
      connection.close();
    }
  };
  return Promise.all(Array.from({ length: workers }, each));
}

type Cpu = Pick<Sample, 'serverCpu' | 'generatorCpu'>;

async function cpuBetween({ pid }: Server, from: number, until: number): Promise<Cpu> {
  await at(from);
  const before = { own: process.cpuUsage(), server: cpuSeconds(pid) };
  await at(until);
  const { user, system } = process.cpuUsage(before.own);
  return { generatorCpu: (user + system) / 1e6, serverCpu: cpuSeconds(pid) - before.server };
}

function at(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time - performance.now()));
}

/** All turns of a round together. */
export function figuresOf(samples: readonly Sample[]): Figures {
  const took = samples.flatMap((sample) => sample.took).sort((a, b) => a - b);
  const sum = (of: (sample: Sample) => number) => samples.reduce((all, each) => all + of(each), 0);
  const quantile = (q: number) => took[Math.floor(took.length * q)] ?? Number.NaN;
  return {
    rate: took.length / sum(({ seconds }) => seconds),
    p50: quantile(0.5),
    p99: quantile(0.99),
    cpu: (sum(({ serverCpu }) => serverCpu) * 1000) / took.length,
    capacity: took.length / sum(({ generatorCpu }) => generatorCpu),
  };
}
