// Which release of Gatehouse this is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from './root.ts';

let version: string | undefined;

/** The version that package.json names. */
export function release(): string {
  version ??= read();
  return version;
}

function read(): string {
  const text = readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
