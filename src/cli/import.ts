// gatehouse account import: accounts with their password hashes, line by line.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import type { House } from '../app.ts';
import type { ImportError, ImportReport } from '../domain/imports.ts';
import { GatehouseError } from '../lib/errors.ts';
import { rehearse, withNewHouse } from './house.ts';
import { print, printJson } from './output.ts';

interface ImportOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function importCommand(): Command {
  return new Command('import')
    .argument('<file>', 'NDJSON: one account a line; - reads standard input')
    .description('import accounts with their password hashes')
    .option('--dry-run', 'check every line and write nothing')
    .option('--json', 'print JSON')
    .action(async (file: string, options: ImportOptions) => {
      const { dryRun = false } = options;
      const read = ({ importAccounts }: Pick<House, 'importAccounts'>) =>
        importAccounts(linesOf(open(file)), { dryRun });
      const report = await (dryRun ? rehearse(read) : withNewHouse(read));
      show(report, options);
      refuseIf(report);
    });
}

function open(file: string): Readable {
  return file === '-' ? process.stdin : createReadStream(file);
}

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  // A file that cannot be read says so on the stream, not on what reads it by lines.
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  const iterator = lines[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await Promise.race([iterator.next(), failed]).catch(refuse);
    if (done) return;
    yield value;
  }
}

function refuse(error: NodeJS.ErrnoException): never {
  const message = `The file cannot be read (${error.code ?? error.message}).`;
  throw new GatehouseError('invalid_input', { message, cause: error });
}

function show({ imported, errors }: ImportReport, { json, dryRun = false }: ImportOptions): void {
  if (json) {
    printJson({ dry_run: dryRun, imported, refused: linesWith(errors).length, errors });
    return;
  }
  for (const { line, field, message } of errors) {
    print(`line ${line}: ${field ?? 'it'} ${message}`);
  }
  const verb = dryRun ? 'would be imported' : 'imported';
  print(`${imported} ${verb}, ${linesWith(errors).length} refused`);
}

function linesWith(errors: readonly ImportError[]): number[] {
  return [...new Set(errors.map(({ line }) => line))];
}

function refuseIf({ errors }: ImportReport): void {
  const { length } = linesWith(errors);
  if (length === 0) return;
  const lines = length === 1 ? '1 line was' : `${length} lines were`;
  throw new GatehouseError('invalid_input', { message: `${lines} refused.` });
}
