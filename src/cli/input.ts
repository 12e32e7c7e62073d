// Small texts that commands read from a file or from standard input.
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { GatehouseError } from '../lib/errors.ts';
import { decodeUtf8 } from '../lib/utf8.ts';

/** @param file `-` for standard input */
export async function readInput(file: string): Promise<string> {
  const bytes = file === '-' ? await buffer(process.stdin) : readFile(file);
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    const name = file === '-' ? 'Standard input' : 'The file';
    throw refusal(`${name} ${(cause as Error).message}.`, cause);
  }
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw refusal(`The file cannot be read (${code ?? message}).`, cause);
  }
}

function refusal(message: string, cause: unknown): GatehouseError {
  return new GatehouseError('invalid_input', { message, cause });
}
