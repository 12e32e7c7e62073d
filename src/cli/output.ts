// What commands print: JSON alone on standard output, everything else said in a line.
import { ConfigError } from '../config/load.ts';
import { isGatehouseError } from '../lib/errors.ts';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** For people: columns as wide as they need to be. */
export function printTable(rows: ReadonlyArray<Readonly<Record<string, unknown>>>): void {
  const [first] = rows;
  if (!first) {
    print('(none)');
    return;
  }
  const names = Object.keys(first);
  const cells = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => width(row[column]))));
  for (const row of cells) {
    print(
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

const width = (text: string | undefined) => text?.length ?? 0;
const cell = (value: unknown) => (value === null || value === undefined ? '–' : String(value));

/** For people: a name and a value a line. */
export function printFields(record: Readonly<Record<string, unknown>>): void {
  const longest = Math.max(...Object.keys(record).map((name) => name.length));
  for (const [name, value] of Object.entries(record)) {
    print(
      `${name.padEnd(longest)}  ${typeof value === 'object' ? JSON.stringify(value) : cell(value)}`,
    );
  }
}

/** One line (a report for a configuration) on standard error, never a stack. */
export function explain(error: unknown): void {
  const known = isGatehouseError(error) || error instanceof ConfigError;
  const { message, code } = error as Error & { code?: string };
  const text = known ? message : (cureFor(code, message) ?? message.split('\n')[0]);
  process.stderr.write(`gatehouse: ${text}\n`);
}

function cureFor(code: string | undefined, message: string): string | undefined {
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'SQLITE_CANTOPEN') {
    return `DATA_DIR cannot be written (${message}). Give this user the right, or set DATA_DIR.`;
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') return `DATA_DIR is no folder (${message}).`;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    return `The database of DATABASE_URL cannot be reached (${message || code}).`;
  }
  return undefined;
}
