// One command: argv → one domain call → exit code.
import { CommanderError } from 'commander';
import { explain } from './output.ts';
import { createProgram } from './program.ts';

const DONE = 0;
const REFUSED = 1;
const WRONG_USAGE = 2;

/** @returns 0 done, 1 refused (one line says why), 2 wrong usage */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
    explain(error);
    return REFUSED;
  }
}
