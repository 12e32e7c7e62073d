// The gatehouse command: argv → one domain call → exit code.
import { CommanderError } from 'commander';
import { explain } from './cli/output.ts';
import { createProgram } from './cli/program.ts';

const REFUSED = 1;
const WRONG_USAGE = 2;

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
}

/** 0 done, 1 refused (one line says why), 2 wrong usage. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  explain(error);
  return REFUSED;
}
