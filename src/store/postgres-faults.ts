// What PostgreSQL and what stands before it say when they fail, and what that means for a request.
import pg from 'pg';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';

/** Data that no column takes, and constraints: what was asked is at fault, not the database. */
const OF_THE_REQUEST = /^(22|23)/;

export function translatePostgres(error: unknown): unknown {
  if (isGatehouseError(error)) return error;
  const code = codeOf(error);
  if (code === '23505') return new GatehouseError('already_exists', { cause: error });
  return isSound(error) && OF_THE_REQUEST.test(code) ? error : unavailable(error);
}

export function unavailable(cause: unknown): GatehouseError {
  return new GatehouseError('store_unavailable', { cause, retryAfter: 5 });
}

/** It took a connection or a statement, and then said nothing in the time it has. */
export function isTimeout(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return false;
  return codeOf(error) === 'ETIMEDOUT' || TIMEOUTS.includes(messageOf(error));
}

// How pg and pg-pool say it. That all connections are in use is another thing.
const TIMEOUTS = [
  'Query read timeout',
  'timeout expired',
  'Connection terminated due to connection timeout',
];

/** A deadlock and a lost race for a row are the database's way of saying "again". */
export function isLostRace(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error));
}

/** A prepared statement whose tables have changed since. */
export function isStalePlan(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '0A000';
}

/** A pooler has put another server behind the connection, which was prepared otherwise. */
export function isUnprepared(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ['26000', '42P05'].includes(error.code ?? '');
}

/** Whether the server answered and the connection can serve on. */
export function isSound(error: unknown): boolean {
  const isFatal = (each: pg.DatabaseError) => ['FATAL', 'PANIC'].includes(each.severity ?? '');
  return (
    error instanceof pg.DatabaseError &&
    !isFatal(error) &&
    !isStalePlan(error) &&
    !isUnprepared(error)
  );
}

/** A pooler passes on what it knows of a session's settings, and turns away whoever sends more. */
export function isTooMuchSaid(error: unknown): boolean {
  return /unsupported startup parameter/i.test(messageOf(error));
}

/** The same host may let in who comes the other way, with TLS or without. */
export function isAboutTls(error: unknown): boolean {
  const code = codeOf(error);
  // 28000: pg_hba.conf wants the other kind.
  return code === '28000' || /^(ERR_TLS|ERR_SSL|EPROTO)/.test(code) || saysTls(error);
}

const saysTls = (error: unknown) => /\b(SSL|TLS)\b|certificate/.test(messageOf(error));

/** It is away, starts, stops, or takes no writes: another host may serve. */
export function isAboutHost(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(25006|57P0|08)/.test(error.code ?? '');
  return !/timeout exceeded when trying to connect/.test(messageOf(error));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code);
}

function messageOf(error: unknown): string {
  return String((error as { message?: unknown } | undefined)?.message);
}
