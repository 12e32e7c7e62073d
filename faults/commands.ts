// Commands that can be killed on their way.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../src/lib/root.ts';
import { environment } from '../test/support/gatehouse.ts';
import type { TestDatabase } from '../test/support/stores.ts';

export interface Launched {
  readonly pid: number | undefined;
  /** SIGKILL; nothing where it has ended. */
  kill(): void;
  /** The exit code; undefined where a signal ended it. */
  readonly ended: Promise<number | undefined>;
  output(): string;
}

export function launchCommand(
  args: readonly string[],
  database: TestDatabase,
  env: Readonly<Record<string, string>> = {},
): Launched {
  const child: ChildProcess = spawn(join(PROJECT_ROOT, 'bin/gatehouse'), args, {
    cwd: PROJECT_ROOT,
    env: { PATH: process.env.PATH ?? '', ...environment(database, 0, env) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  }
  return {
    pid: child.pid,
    kill: () => child.kill('SIGKILL'),
    ended: once(child, 'close').then(([code]) => code ?? undefined),
    output: () => Buffer.concat(chunks).toString(),
  };
}
