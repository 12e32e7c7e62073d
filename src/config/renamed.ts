// Settings that were renamed: the old name is read until the next version, and reported.
import { setAt, type Tree, takeAt } from './tree.ts';

/** Old name → current name. */
const RENAMED: Readonly<Record<string, string>> = {
  'password.refusal_floor': 'password.refusal_min_ms',
};

/**
 * Moves what stands under an old name to the current one.
 * @returns mistakes: settings that stand there under both names
 */
export function withCurrentNames(tree: Tree, file: string): string[] {
  const mistakes: string[] = [];
  for (const [old, current] of Object.entries(RENAMED)) {
    const value = takeAt(tree, old);
    if (value === undefined) continue;
    const newer = takeAt(tree, current);
    setAt(tree, current, newer ?? value);
    if (newer === undefined) process.emitWarning(`${file}: ${old} is now called ${current}`);
    else mistakes.push(`${file}: ${old} is now called ${current}; remove the old one`);
  }
  return mistakes;
}
