// Gatehouse in processes of their own: servers that can be killed, and commands as people type them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { environment } from './gatehouse.ts';
import type { TestDatabase } from './stores.ts';

export interface ProcessOptions {
  readonly database: TestDatabase;
  readonly port: number;
  /** Its own address when unset; two processes on two ports may share one. */
  readonly issuer?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  /** Undefined where a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

export interface GatehouseProcess {
  /** Its own address, also where the issuer is another one. */
  readonly url: string;
  readonly pid: number;
  /** Everything that it has written, standard output and error in one. */
  output(): string;
  /** How it has ended; undefined while it runs. */
  exit(): Exit | undefined;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  /** SIGTERM, and SIGKILL (with an error) if that is not enough; nothing where it has ended. */
  stop(): Promise<void>;
}

export interface CommandOptions {
  readonly database: TestDatabase;
  /** An empty text counts as unset. */
  readonly env?: Readonly<Record<string, string>>;
  /** Nothing, at once, when unset. */
  readonly stdin?: string | Buffer;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PATH = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
const COMMAND = join(PROJECT_ROOT, 'bin/gatehouse');
const STARTUP_LIMIT = 45_000;
const COMMAND_LIMIT = 45_000;
const STOP_LIMIT = 30_000;
const LOOK_EVERY = 25;

/** Every child reads the same sources: what one has compiled, the next one need not. */
const COMPILED = join(PROJECT_ROOT, 'node_modules/.cache/gatehouse-test');

/** A server, once it says that it is ready. Rejects with its output if it ends before. */
export async function startProcess(options: ProcessOptions): Promise<GatehouseProcess> {
  const { database, port, issuer, env } = options;
  const own = environment(database, port, { ...(issuer ? { ISSUER: issuer } : {}), ...env });
  const child = launch(['serve', '--no-demo'], own);
  const output = collect(child.stdout, child.stderr);
  const url = `http://localhost:${port}`;
  try {
    await untilReady(child, url);
  } catch (error) {
    await end(child, 'SIGKILL');
    throw new Error(`gatehouse serve did not become ready:\n${output()}`, { cause: error });
  }
  hold(child, 'unref');
  return {
    url,
    pid: child.pid as number,
    output,
    exit: () => (hasEnded(child) ? exitOf(child) : undefined),
    kill: (signal) => end(child, signal),
    stop: () => stop(child, output),
  };
}

/** One command, to its end. */
export async function runCommand(
  args: readonly string[],
  { database, env, stdin = '' }: CommandOptions,
): Promise<CommandResult> {
  const child = launch(args, environment(database, 0, env));
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  // A command that reads nothing may be gone before its input.
  child.stdin?.on('error', () => undefined).end(stdin);
  const late = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT);
  const { code } = await ended(child);
  clearTimeout(late);
  if (code !== undefined) return { code, stdout: stdout(), stderr: stderr() };
  throw new Error(`gatehouse ${args.join(' ')} did not end:\n${stdout()}${stderr()}`);
}

/** The processes that a process has started. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

function launch(args: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawn(COMMAND, args, {
    cwd: PROJECT_ROOT,
    env: { PATH, NODE_COMPILE_CACHE: COMPILED, ...env },
    stdio: 'pipe',
  });
  watch(child);
  return child;
}

function collect(...streams: ReadonlyArray<NodeJS.ReadableStream | null>): () => string {
  const chunks: Buffer[] = [];
  for (const stream of streams) stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  // Not of the clock that tests move.
  const deadline = performance.now() + STARTUP_LIMIT;
  while (!(await isReady(url))) {
    if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    if (performance.now() > deadline) throw new Error('it took too long');
    await sleep(LOOK_EVERY);
  }
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status === 200;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Once it is gone and everything it wrote has been read. */
async function ended(child: ChildProcess): Promise<Exit> {
  const isClosed = hasEnded(child) && child.stdout?.closed && child.stderr?.closed;
  if (!isClosed) await once(child, 'close');
  return exitOf(child);
}

function exitOf({ exitCode, signalCode }: ChildProcess): Exit {
  return { code: exitCode ?? undefined, signal: signalCode ?? undefined };
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<Exit> {
  hold(child, 'ref');
  if (!hasEnded(child)) child.kill(signal);
  return ended(child);
}

async function stop(child: ChildProcess, output: () => string): Promise<void> {
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, STOP_LIMIT);
  await end(child, 'SIGTERM');
  clearTimeout(late);
  if (isLate) throw new Error(`gatehouse serve did not stop:\n${output()}`);
}

/** A server that a test forgets keeps nobody waiting: the janitor sees to it. */
function hold(child: ChildProcess, how: 'ref' | 'unref'): void {
  for (const each of [child, child.stdin, child.stdout, child.stderr]) (each as Socket)[how]();
}

/**
 * Reads `+PID` and `-PID`, until the pipe from the test process closes, however that process ends,
 * even by SIGKILL; then ends what is left. In a session of its own, so that Ctrl-C spares it.
 */
const janitorScript = `
  pids=' '
  while read -r line; do
    pid=\${line#?}
    case $line in
      +*) pids="$pids$pid " ;;
      -*) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
    esac
  done
  for pid in $pids; do kill -KILL "$pid"; done
`;

let janitor: ChildProcess | undefined;

function watch(child: ChildProcess): void {
  janitor ??= startJanitor();
  const noticeFor = (text: string) => janitor?.stdin?.write(`${text}${child.pid}\n`);
  if (child.pid === undefined) return;
  noticeFor('+');
  child.once('exit', () => noticeFor('-'));
}

function startJanitor(): ChildProcess {
  const started = spawn('/bin/sh', ['-c', janitorScript], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  started.unref();
  (started.stdin as Socket).unref();
  return started;
}
