// What the documents tell people to type, and a shell to paste it into.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT_ROOT } from '../../src/lib/root.ts';

export interface Block {
  readonly file: string;
  readonly line: number;
  /** `sh`, `js`, or nothing. */
  readonly language: string;
  /** Without the blanks that put it into a list. */
  readonly text: string;
}

/** All documents but those that tell how things were at their time. */
export function documents(): string[] {
  const everywhere = ['*.md', 'docs/**/*.md', 'examples/**/*.md'];
  return globSync(everywhere, { cwd: PROJECT_ROOT })
    .filter((file) => file !== 'CHANGELOG.md' && !file.startsWith('docs/decisions/'))
    .sort();
}

export function blocksOf(file: string): Block[] {
  const lines = readFileSync(join(PROJECT_ROOT, file), 'utf8').split('\n');
  const blocks: Block[] = [];
  let open: { line: number; language: string; indent: number; lines: string[] } | undefined;
  for (const [at, text] of lines.entries()) {
    const fence = /^( *)```(\w*)$/.exec(text);
    if (fence && open) {
      blocks.push({ file, line: open.line, language: open.language, text: open.lines.join('\n') });
      open = undefined;
    } else if (fence) {
      const [, indent = '', language = ''] = fence;
      open = { line: at + 1, language, indent: indent.length, lines: [] };
    } else open?.lines.push(text.slice(open.indent));
  }
  return blocks;
}

/** A line, and those on which it goes on. */
export function commandsIn(text: string): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of text.split('\n')) {
    if (open === '' && /^\s*(#|$)/.test(line)) continue;
    open += open === '' ? line : `\n${line}`;
    const quotes = open.replace(/\\./g, '').match(/"(?:[^"])*"|'[^']*'|["']/g) ?? [];
    if (/[\\|]$/.test(line) || quotes.some((each) => each.length === 1)) continue;
    commands.push(open);
    open = '';
  }
  return open === '' ? commands : [...commands, open];
}

export interface Shell {
  /** One command, to its end: what it printed on both of its outputs. Fails where it fails. */
  run(command: string): Promise<string>;
  /** One command that goes on, until it has printed that. */
  until(command: string, printed: RegExp): Promise<string>;
  /** Ends it, with all that it has started. */
  stop(): Promise<void>;
}

export function openShell(cwd: string, env: Readonly<Record<string, string>>): Shell {
  const child = spawn('bash', ['--norc', '-o', 'pipefail'], { cwd, env, detached: true });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  }
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const wait = async (command: string, printed: RegExp) => {
    out = '';
    // What reads no pipe must not read the commands that follow.
    child.stdin.write(`{\n${command}\n} < /dev/null; printf '\\n=> %s\\n' "$?"\n`);
    for (let tries = 0; tries < 3_000; tries += 1) {
      const found = printed.exec(out);
      if (found) return found;
      if (child.exitCode !== null || /\n=> \d+\n$/.test(out)) break;
      await sleep(10);
    }
    throw new Error(`${command}\n${out}`);
  };
  return {
    run: async (command) => {
      const { index } = await wait(command, /\n=> 0\n$/);
      return out.slice(0, index);
    },
    until: async (command, printed) => (await wait(command, printed)).input,
    stop: () => stop(child, closed),
  };
}

async function stop(child: ChildProcessWithoutNullStreams, closed: Promise<void>): Promise<void> {
  try {
    process.kill(-Number(child.pid), 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
  await closed;
}
