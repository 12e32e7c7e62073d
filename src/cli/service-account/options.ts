// Options that several commands about service accounts share.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { fromIso, now, toIso } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/durations.ts';
import { KEY_ALGS, parseJwkText } from '../../service-accounts/jwk-shape.ts';
import type { NewKey, OperatorReason } from '../../service-accounts/service-accounts.ts';
import { readInput } from '../input.ts';

export interface KeyOptions {
  readonly publicJwk?: string;
  readonly alg?: string;
  /** Milliseconds. */
  readonly expires?: number;
  readonly keyFile?: string;
}

export interface ReasonOptions {
  readonly reason?: string;
  readonly ticket?: string;
}

export function withKeyOptions(command: Command): Command {
  const alg = new Option('--alg <alg>', 'the one algorithm of the key (RS256 where it fits)');
  return command
    .option(
      '--public-jwk <file>',
      'use this public key instead of creating one; - reads standard input',
    )
    .addOption(alg.choices(KEY_ALGS))
    .option('--expires <when>', 'when the key expires: 90d, or 2030-01-31', readExpiry)
    .option('--key-file <file>', 'write secrets to this file (mode 0600) instead of printing them');
}

export function withReasonOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'why; written to the audit log')
    .option('--ticket <id>', 'ID of the request or ticket');
}

export function operatorReasonOf({ reason, ticket }: ReasonOptions): OperatorReason {
  return { reason, ticket };
}

export async function keyRequest({ publicJwk, alg, expires }: KeyOptions): Promise<NewKey> {
  const given =
    publicJwk === undefined ? {} : { publicJwk: parseJwkText(await readInput(publicJwk)) };
  return { ...given, alg, expiresAt: expires };
}

const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z)?$/;

function readExpiry(written: string): number {
  const length = parseDuration(written);
  if (length !== undefined) return now() + length;
  const at = DATE.test(written) ? fromIso(written) : Number.NaN;
  // The 31st of February is read as a day in March.
  if (!Number.isNaN(at) && toIso(at).startsWith(written.slice(0, 10))) return at;
  throw new InvalidArgumentError('Try 90d, 2030-01-31 or 2030-01-31T12:00Z.');
}
