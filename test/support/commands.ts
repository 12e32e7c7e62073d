// Commands as people type them, but in this process: a process of its own loads everything anew.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { run } from '../../src/cli/run.ts';
import { environment } from './gatehouse.ts';
import type { CommandOptions, CommandResult } from './processes.ts';

/** What a command sees of the process that it believes to be its own. */
interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Readable;
  readonly stdout: Collected;
  readonly stderr: Collected;
}

interface Collected {
  write(text: string): boolean;
  text(): string;
}

const surroundings = new AsyncLocalStorage<Surroundings>();
let surrounded = false;

/**
 * One command, to its end. Signals, exit codes of the process, and whether it ends at all, are for
 * `runCommand`; so is a `serve` that may start.
 */
export async function runHere(
  args: readonly string[],
  { database, env, stdin = '' }: CommandOptions,
): Promise<CommandResult> {
  surround();
  const own: Surroundings = {
    env: environment(database, 0, env),
    stdin: Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)]),
    stdout: collect(),
    stderr: collect(),
  };
  const code = await surroundings.run(own, () => run(args));
  return { code, stdout: own.stdout.text(), stderr: own.stderr.text() };
}

function collect(): Collected {
  const texts: string[] = [];
  return { write: (text) => texts.push(text) > 0, text: () => texts.join('') };
}

/** From now on each command finds its own surroundings in `process`, everyone else the real ones. */
function surround(): void {
  if (surrounded) return;
  surrounded = true;
  for (const name of ['env', 'stdin', 'stdout', 'stderr'] as const) {
    const real = Object.getOwnPropertyDescriptor(process, name) ?? {};
    const get = () => surroundings.getStore()?.[name] ?? real.value ?? real.get?.call(process);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
  }
}
