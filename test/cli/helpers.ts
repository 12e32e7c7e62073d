// What every command promises: exit codes, JSON alone, one line that says why.
import { expect } from 'chai';
import { type CommandOptions, type CommandResult, runCommand } from '../support/processes.ts';

/** Done: exit 0 and nothing on standard error. */
export async function done(args: readonly string[], options: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await runCommand(args, options);
  expect({ code, stderr }, args.join(' ')).to.deep.equal({ code: 0, stderr: '' });
  return stdout;
}

/** Done, with `--json`: standard output is one JSON value and nothing else. */
export async function json<T = Record<string, unknown>>(
  args: readonly string[],
  options: CommandOptions,
): Promise<T> {
  return JSON.parse(await done([...args, '--json'], options)) as T;
}

/** Refused: exit 1, nothing on standard output, one line without a stack on standard error. */
export async function refused(args: readonly string[], options: CommandOptions): Promise<string> {
  const result = await runCommand(args, options);
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
export async function misused(args: readonly string[], options: CommandOptions): Promise<string> {
  const result = await runCommand(args, options);
  expect(result, args.join(' ')).to.include({ code: 2, stdout: '' });
  expect(result.stderr).not.to.match(/node:internal|\bat .*:\d+:\d+|\.ts\b/);
  return result.stderr;
}
