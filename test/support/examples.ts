// Starts the programs in examples/ as people do, and reads what they print.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT_ROOT } from '../../src/lib/root.ts';

export interface Started {
  readonly out: () => string;
  readonly err: () => string;
  /** Waits until standard output holds it. @returns the match */
  until(what: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal and waits for the end. @returns the exit code, -1 where there is none */
  end(signal?: NodeJS.Signals): Promise<number>;
}

/** @param file in examples/; TypeScript by this Node, anything else by itself */
export function startExample(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Started {
  const path = join(PROJECT_ROOT, 'examples', file);
  const [command, rest] = file.endsWith('.ts') ? [process.execPath, [path, ...args]] : [path, args];
  const child = spawn(command, rest, { env: { PATH: process.env.PATH, ...env } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = codeOf(child);
  return {
    out: () => out,
    err: () => err,
    until: async (what) => {
      for (let tries = 0; tries < 1_500; tries += 1) {
        const found = what.exec(out);
        if (found) return found;
        if (child.exitCode !== null) break;
        await sleep(20);
      }
      throw new Error(`${file} did not print ${what}:\n${out}\n${err}`);
    },
    end: (signal) => {
      if (signal) child.kill(signal);
      return ended;
    },
  };
}

function codeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(-1));
    child.once('close', (code) => resolve(code ?? -1));
  });
}
