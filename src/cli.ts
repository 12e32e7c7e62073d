// The gatehouse command: argv → one domain call → exit code.
import { CommanderError } from 'commander';
import { explain } from './cli/output.ts';
import { createProgram } from './cli/program.ts';

const REFUSED = 1;
const WRONG_USAGE = 2;

// What lies in DATA_DIR is nobody else's.
process.umask(0o077);
// Whoever reads along may stop reading.
process.stdout.on('error', () => process.exit(0));

try {
  await createProgram().parseAsync();
} catch (error) {
  const code = exitCode(error);
  // What failed may have left something open: nothing more is waited for than what was printed.
  process.stdout.write('', () => process.exit(code));
}

/** 0 done, 1 refused (one line says why), 2 wrong usage. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  explain(error);
  return REFUSED;
}
