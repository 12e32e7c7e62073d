// What SQLite says when it fails: what that means for a request, and how an operator mends it.
import { GatehouseError } from '../lib/errors.ts';

const RETRY_AFTER = 5;

/** What was asked is at fault, not the database. */
const OF_THE_REQUEST = /^SQLITE_(CONSTRAINT|MISMATCH|RANGE|TOOBIG)/;

export function translateSqlite(error: unknown): unknown {
  const code = codeOf(error);
  if (/^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(code)) {
    return new GatehouseError('already_exists', { cause: error });
  }
  const isFault = code.startsWith('SQLITE_') && !OF_THE_REQUEST.test(code);
  return isFault ? unavailable(error) : error;
}

export function unavailable(cause: unknown): GatehouseError {
  return new GatehouseError('store_unavailable', { cause, retryAfter: RETRY_AFTER });
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));
}

/** The bytes of the file are not what SQLite has written: that does not pass. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error));
}

/** Undefined where there is nothing to be said that the message does not say. */
export function cureOfSqlite(code: string, message: string): string | undefined {
  if (code === 'SQLITE_CANTOPEN') {
    return `The database file cannot be opened (${message}): see DATA_DIR and DATABASE_URL.`;
  }
  if (/^SQLITE_(FULL|IOERR)/.test(code)) {
    return `The database file cannot be written (${message}): look at the disk of DATA_DIR and its free space.`;
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return `The database file cannot be written (${message}): give this user the right, or set DATA_DIR.`;
  }
  if (code === 'SQLITE_NOTADB') return "The database file isn't a SQLite database.";
  if (code.startsWith('SQLITE_CORRUPT')) return `The database file is damaged. ${RESTORE}`;
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return `Another process holds the database file (${message}): end what it does there.`;
  }
  return undefined;
}

export const RESTORE =
  'Stop every server and command that uses it, put back a backup, and start again (docs/operations.md, "When the database fails").';

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code);
}
