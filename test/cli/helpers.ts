// What every command promises: exit codes, JSON alone, one line that says why.
import { expect } from 'chai';
import { runHere } from '../support/commands.ts';
import { type CommandOptions, type CommandResult, runCommand } from '../support/processes.ts';

export interface Options extends CommandOptions {
  /** In a process of its own, for what only those prove: two at one moment, and that they end. */
  readonly apart?: boolean;
}

/** A server is one of its own, unless it cannot start: it would not end. */
export function command(
  args: readonly string[],
  { apart = args[0] === 'serve', ...options }: Options,
): Promise<CommandResult> {
  return apart ? runCommand(args, options) : runHere(args, options);
}

/** Done: exit 0 and nothing on standard error. */
export async function done(args: readonly string[], options: Options): Promise<string> {
  const { code, stdout, stderr } = await command(args, options);
  expect({ code, stderr }, args.join(' ')).to.deep.equal({ code: 0, stderr: '' });
  return stdout;
}

/** Done, with `--json`: standard output is one JSON value and nothing else. */
export async function json<T = Record<string, unknown>>(
  args: readonly string[],
  options: Options,
): Promise<T> {
  return JSON.parse(await done([...args, '--json'], options)) as T;
}

/** Refused: exit 1, nothing on standard output, one line without a stack on standard error. */
export async function refused(args: readonly string[], options: Options): Promise<string> {
  const result = await command(args, options);
  expect(result, args.join(' ')).to.include({ code: 1, stdout: '' });
  return sentence(result);
}

/** The one line of standard error, without the name in front. */
export function sentence({ stderr }: CommandResult): string {
  expect(stderr).to.match(/^gatehouse: [^\p{C}]+\n$/u);
  expect(stderr).not.to.match(/node:internal|\bat .*:\d+:\d+|\.ts\b/);
  return stderr.slice('gatehouse: '.length).trim();
}

/** Wrong usage: exit 2, and not a word about the inside. */
export async function misused(args: readonly string[], options: Options): Promise<string> {
  const result = await command(args, options);
  expect(result, args.join(' ')).to.include({ code: 2, stdout: '' });
  expect(result.stderr).not.to.match(/node:internal|\bat .*:\d+:\d+|\.ts\b/);
  return result.stderr;
}
