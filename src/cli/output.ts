// What commands print: JSON alone on standard output, everything else said in a line.
import { ConfigError } from '../config/load.ts';
import { isGatehouseError } from '../lib/errors.ts';
import { cureOfPostgres } from '../store/postgres-cures.ts';
import { cureOfSqlite } from '../store/sqlite-faults.ts';

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
const cell = (value: unknown) =>
  value === null || value === undefined ? '–' : oneLine(String(value));

/** For people: a name and a value a line. */
export function printFields(record: Readonly<Record<string, unknown>>): void {
  const longest = Math.max(...Object.keys(record).map((name) => name.length));
  for (const [name, value] of Object.entries(record)) {
    print(
      `${name.padEnd(longest)}  ${typeof value === 'object' ? JSON.stringify(value) : cell(value)}`,
    );
  }
}

/** One line (more where there are several reasons) on standard error, never a stack. */
export function explain(error: unknown): void {
  const text = error instanceof ConfigError ? error.message : sentenceFor(error);
  const details = isGatehouseError(error) ? error.details : [];
  const lines = [`gatehouse: ${text}`, ...details.map((detail) => `  - ${oneLine(detail)}`)];
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** It is done, and has a side that whoever asked for it may not see. */
export function warn(text: string): void {
  process.stderr.write(`Warning: ${oneLine(text)}\n`);
}

/** What went wrong, and where it can be said how to mend it: one line without control characters. */
export function sentenceFor(error: unknown): string {
  const { message, code } = error as Error & { code?: string };
  if (isGatehouseError(error, 'store_unavailable') && error.cause) return sentenceFor(error.cause);
  if (isGatehouseError(error)) return oneLine(message);
  return oneLine(cureFor(code, message) ?? message.split('\n')[0] ?? '');
}

/** What was typed, sent or read from a file is quoted: without control characters. */
export function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').trim();
}

function cureFor(code = '', message = ''): string | undefined {
  if (['EACCES', 'EROFS', 'EPERM', 'ENOENT'].includes(code)) {
    return `DATA_DIR cannot be written (${message}). Give this user the right, or set DATA_DIR.`;
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') return `DATA_DIR is no folder (${message}).`;
  return cureOfSqlite(code, message) ?? cureOfPostgres(code, message);
}
