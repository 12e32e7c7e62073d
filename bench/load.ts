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

export interface Figures {
  /** Answers a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of the server's CPU time for each answer, if nothing else was asked of it. */
  readonly cpu: number;
  /** Answers that this generator could take in a second of its own CPU time. */
  readonly capacity: number;
}

export async function drive(server: Server, duration: Duration, job: Job): Promise<Figures> {
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
    return figuresOf(took, seconds, await cpu);
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

interface Cpu {
  readonly generator: number;
  readonly server: number;
}

async function cpuBetween({ pid }: Server, from: number, until: number): Promise<Cpu> {
  await at(from);
  const before = { own: process.cpuUsage(), server: cpuSeconds(pid) };
  await at(until);
  const { user, system } = process.cpuUsage(before.own);
  return { generator: (user + system) / 1e6, server: cpuSeconds(pid) - before.server };
}

function at(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time - performance.now()));
}

function figuresOf(took: number[], seconds: number, cpu: Cpu): Figures {
  took.sort((a, b) => a - b);
  const quantile = (q: number) => took[Math.floor(took.length * q)] ?? Number.NaN;
  return {
    rate: took.length / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    cpu: (cpu.server * 1000) / took.length,
    capacity: took.length / cpu.generator,
  };
}
