// gatehouse account import: accounts with their password hashes.
import { Command } from 'commander';
import type { Core } from '../app.ts';
import type { ImportError, ImportRemark, ImportReport } from '../import/import.ts';
import { GatehouseError } from '../lib/errors.ts';
import { rehearse, withNewCore } from './core.ts';
import { withImportFile } from './import-file.ts';
import { oneLine, print, printJson } from './output.ts';

interface ImportOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function importCommand(): Command {
  return new Command('import')
    .argument('<file>', 'NDJSON (one account per line) or a JSON array; - reads standard input')
    .description('import accounts with their password hashes')
    .option('--dry-run', 'check every line without importing')
    .option('--json', 'print JSON')
    .action((file: string, options: ImportOptions) =>
      withImportFile(file, async (bytes) => {
        const { dryRun = false } = options;
        const shown = createShown(options);
        const { onBatch } = shown;
        const read = ({ importAccounts }: Pick<Core, 'importAccounts'>) =>
          importAccounts(bytes, { dryRun, onBatch }).catch(shown.stopped);
        const report = await (dryRun ? rehearse(read) : withNewCore(read));
        shown.end(report);
        refuseIf(report);
      }),
    );
}

/** For people each refusal as it comes: a file may have more of them than memory holds. */
function createShown({ json, dryRun = false }: ImportOptions) {
  const errors: ImportError[] = [];
  let made = 0;
  return {
    onBatch: (found: readonly ImportError[], soFar: ImportReport) => {
      made = soFar.imported;
      if (json) errors.push(...found);
      else for (const each of found) print(lineOf(each));
    },
    stopped: (error: unknown): never => {
      const accounts = made === 1 ? '1 account was' : `${made} accounts were`;
      if (made > 0 && !dryRun) {
        const says = `gatehouse: ${accounts} imported. Run it again with the same file to go on.\n`;
        process.stderr.write(says);
      }
      throw error;
    },
    end: (report: ImportReport) => {
      if (json) printJson({ dry_run: dryRun, ...report, errors });
      else printEnd(report, dryRun);
    },
  };
}

function lineOf({ line, field, message }: ImportError): string {
  return oneLine(`line ${line}: ${field ?? 'it'} ${message}`);
}

function printEnd({ imported, unchanged, refused, remarks }: ImportReport, dryRun: boolean): void {
  for (const remark of remarks) print(remarkOf(remark));
  const verb = dryRun ? 'would be imported' : 'imported';
  const there = unchanged === 0 ? '' : `${unchanged} there already, `;
  print(`${imported} ${verb}, ${there}${refused} refused`);
}

const REMARKS: Readonly<Record<ImportRemark['kind'], string>> = {
  unknown: 'unknown fields were ignored',
  blanks: 'spaces around values were removed',
  lost: 'some characters were already lost in the file (U+FFFD)',
  enrol: "will need to enroll again, because their codes aren't SHA-1, 6 digits, 30 seconds",
};

function remarkOf({ kind, fields, lines, first_line: first }: ImportRemark): string {
  const where = lines === 1 ? `line ${first}` : `${lines} lines, first line ${first}`;
  return oneLine(`remark: ${REMARKS[kind]}: ${fields.join(', ')} (${where})`);
}

function refuseIf({ refused }: ImportReport): void {
  if (refused === 0) return;
  const lines = refused === 1 ? '1 line was' : `${refused} lines were`;
  throw new GatehouseError('invalid_input', { message: `${lines} refused.` });
}
