// A file that nobody else can read, for what is shown once.
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { GatehouseError } from '../../lib/errors.ts';

/**
 * Makes the file before there is anything to write, so that a key is never made in vain. Refuses a
 * file that is there, whatever it is.
 */
export async function writeKeyFile<T>(file: string, make: () => Promise<[T, string]>): Promise<T> {
  const handle = open(file);
  try {
    const [made, text] = await make();
    write(handle, text);
    return made;
  } catch (error) {
    unlinkSync(file);
    throw error;
  } finally {
    closeSync(handle);
  }
}

function write(handle: number, text: string): void {
  try {
    writeFileSync(handle, text);
  } catch (cause) {
    const says = `The key file cannot be written (${reasonOf(cause)}), and what was made is lost`;
    throw refusal(`${says}: look for it with "service-account list", and revoke or delete it.`);
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw reason === 'EEXIST'
      ? refusal("The key file already exists and won't be overwritten.")
      : refusal(`The key file cannot be written (${reason}).`);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function refusal(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}
