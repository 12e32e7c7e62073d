// The gatehouse command, as a process.
import { run } from './cli/run.ts';

// What lies in DATA_DIR is nobody else's.
process.umask(0o077);
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  // Whoever reads along may stop reading.
  if (code === 'EPIPE') process.exit(0);
  process.stderr.write(
    `gatehouse: Standard output cannot be written (${code}). What the command did is done.\n`,
    () => process.exit(1),
  );
});

const code = await run(process.argv.slice(2));
// What failed may have left something open: nothing more is waited for than what was printed.
if (code !== 0) process.stdout.write('', () => process.exit(code));
