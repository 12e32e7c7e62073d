// Messages as files in DATA_DIR/outbox, where nobody is configured who would send them.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { now, toIso } from '../lib/clock.ts';
import { makeFolder } from '../lib/folders.ts';

/** @param name of the message, with its ending; @returns once the whole file stands there */
export type WriteFile = (name: string, content: string | Uint8Array) => Promise<void>;

export function createFiles(dataDir: string): WriteFile {
  const folder = join(dataDir, 'outbox');
  return async (name, content) => {
    makeFolder(folder);
    const time = toIso(now()).replaceAll(':', '-');
    const file = join(folder, `${time}-${name}`);
    // Whoever watches the folder never reads half of one.
    const draft = `${file}.draft`;
    await writeFile(draft, content, { mode: 0o600 });
    await rename(draft, file);
  };
}
