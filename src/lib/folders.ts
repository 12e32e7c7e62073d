// Makes the folders that hold what only this user may read.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const PRIVATE = 0o700;

/**
 * As `mkdir -p`. Node's own `recursive` asks again for ever where a file system says ENOENT though
 * the parent is there, as /proc and automounters do.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: PRIVATE });
  } catch (error) {
    // Somebody else may have made it a moment ago.
    if (!existsSync(folder) || !statSync(folder).isDirectory()) throw error;
  }
}
