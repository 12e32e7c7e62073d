// Whether the files of a SQLite database are still those that were opened.
import { statSync } from 'node:fs';

export interface WatchedFile {
  /** Undefined: it is the one that was opened. Otherwise what has happened to it. */
  whatHappened(): string | undefined;
}

/**
 * Whoever deletes or replaces a file leaves the old one to those who have it open: what they write
 * is gone when they close it. The files beside it hold what was committed last, and the locks.
 */
export function watchFile(file: string): WatchedFile {
  const opened = new Map<string, string>();
  const parts = [file, `${file}-wal`, `${file}-shm`];
  const happenedTo = (part: string): string | undefined => {
    const was = opened.get(part);
    const is = identityOf(part);
    if (was === undefined && is !== undefined) opened.set(part, is);
    if (was === undefined || was === is) return undefined;
    return `The database file ${part} was ${is === undefined ? 'deleted' : 'replaced'} while it was in use`;
  };
  const whatHappened = () => {
    for (const part of parts) {
      const happened = happenedTo(part);
      if (happened !== undefined) return happened;
    }
    return undefined;
  };
  whatHappened();
  return { whatHappened };
}

function identityOf(file: string): string | undefined {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}`;
  } catch {
    // A folder on the way is gone, or may not be read any more.
    return undefined;
  }
}
