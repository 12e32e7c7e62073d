// The master key: from the configuration, or outside production made at the first start.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { makeFolder } from '../../lib/folders.ts';
import { randomId } from '../../lib/ids.ts';

const FILE = 'secret';

/** Undefined where none was made yet: then nothing is sealed with it. */
export function findMasterKey(config: Config): string | undefined {
  return config.secret || read(join(config.data_dir, FILE));
}

/** Production always has one in its configuration. Elsewhere it lies in DATA_DIR (0600). */
export function loadMasterKey(config: Config): string {
  return findMasterKey(config) ?? create(config.data_dir, join(config.data_dir, FILE));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written aside and linked, so that two first starts at once agree on one whole file. */
function create(folder: string, file: string): string {
  makeFolder(folder);
  const draft = `${file}.${randomId(64)}`;
  writeFileSync(draft, `${randomId(256)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(file, 'utf8').trim();
}
