// Who types a command, as audit rows and links name them.
import { userInfo } from 'node:os';

/** `cli:NAME`; the number where the system knows no name for it. */
export function actor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return `cli:${process.getuid?.() ?? 'unknown'}`;
  }
}
